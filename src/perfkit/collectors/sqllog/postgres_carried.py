"""PostgreSQL's log inside the lines of something else: blocks of those come in, are unpacked, and are read as a log on stderr."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from perfkit.collectors.sqllog.interface import Events
from perfkit.collectors.sqllog.postgres_stderr import FORMAT as STDERR
from perfkit.model.sqllog import Session


class Unpacker(Protocol):
    """`prefix` is what `take` puts before the server's own log_line_prefix, in the letters of that setting."""

    prefix: str
    lost: list[bytes]

    def take(self, block: bytes) -> bytes:
        """Whole records as on stderr; lines that carry nothing are added to `lost`."""

    def rest(self) -> bytes:
        """What was kept because more of it might have come."""


class CarriedReader:
    system = "postgresql"

    def __init__(self, unpacker: Unpacker, head: bytes, prefix: str | None) -> None:
        """Raises PerfkitError as the format of stderr does; `unpacker` must be new."""
        sample = type(unpacker)()
        unpacked = sample.take(head) + sample.rest()
        self.ordered = True  # parts of one record may lie far from each other
        self._unpacker = unpacker
        self._inner = STDERR.reader(unpacked, None if prefix is None else sample.prefix + prefix)
        self.remarks = self._inner.remarks

    def cut(self, block: bytes, last: bool) -> int:
        return len(block) if last else block.rfind(b"\n") + 1

    def read(self, block: bytes) -> Events:
        events = self._inner.read(self._unpacker.take(block))
        lost, self._unpacker.lost = self._unpacker.lost, []
        return replace(
            events,
            lines=block.count(b"\n") + (block[-1:] not in (b"\n", b"")),
            unparsed=events.unparsed + len(lost),
            examples=(lost + events.examples)[:3],
        )

    def finish(self) -> Events:
        events, more = self._inner.read(self._unpacker.rest()), self._inner.finish()
        events.plans.update({len(events.texts) + at: plan for at, plan in more.plans.items()})
        for name in ("texts", "micros", "times", "sessions"):
            getattr(events, name).extend(getattr(more, name))
        events.lines = 0
        return events

    def epoch(self, time: bytes) -> float | None:
        return self._inner.epoch(time)

    def minute(self, time: bytes) -> bytes:
        return self._inner.minute(time)

    def session(self, session: bytes) -> Session:
        return self._inner.session(session)

    def identity(self, session: bytes) -> bytes:
        return self._inner.identity(session)
