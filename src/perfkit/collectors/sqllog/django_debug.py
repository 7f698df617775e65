"""What Django's logger django.db.backends says at DEBUG: `(0.001) SELECT …; args=(1,); alias=default`, behind any prefix. Lines come
in, columns of executions go out. Source: django/db/backends/utils.py, `debug_sql`, of Django 3.2 to 6.0."""

from __future__ import annotations

import re
from collections import Counter

from perfkit.collectors.sqllog import orm_lines
from perfkit.collectors.sqllog.interface import Events, Reader
from perfkit.model.sqllog import Session

_LOGGER = b"django.db.backends"
_DURATION = re.compile(rb"\((\d{1,9})\.(\d{3})\) ")
_ENDED = re.compile(rb"(?:None|[)\]}])(?:; alias=(?P<alias>[^\s;'\"]+))?\s*\Z")
_ARGS = b"; args="


def _prefix(head: bytes) -> bytes | None:
    """What stands before the duration in most lines that hold a whole record; None where there is no such line."""
    found: Counter[bytes] = Counter()
    prefixes: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        duration = _DURATION.search(line)
        if duration is not None and _ARGS in line and _ENDED.search(line[-200:]):
            prefix = line[: duration.start()]
            begins = orm_lines.opening(prefix)
            key = begins.pattern if begins else prefix[:1]
            found[key] += 1
            prefixes.setdefault(key, prefix)
    return prefixes[found.most_common(1)[0][0]] if found else None


class DjangoReader:
    """Keeps the record whose end has not come yet."""

    def __init__(self, head: bytes, prefix: bytes) -> None:
        self.system = orm_lines.system(head)
        self.remarks = ["Django logs whole milliseconds: faster statements count with a time of 0."]
        if orm_lines.time(prefix):
            self.remarks.append(orm_lines.UTC_REMARK)
        self._named = _LOGGER in prefix
        self._opening = orm_lines.opening(prefix)
        self._bare = not prefix
        self._aliases = b"; alias=" in head
        self._lines: list[bytes] = []
        self._micros = 0
        self._time = b""

    def cut(self, block: bytes, last: bool) -> int:
        return len(block) if last else block.rfind(b"\n") + 1

    def read(self, block: bytes) -> Events:
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        events = Events(lines=len(lines))
        for line in lines:
            if self._lines and not self._breaks_off(line):
                self._lines.append(line)
            else:
                self._begin(line, events)
            if self._lines and (ended := self._ended(line)):
                self._end(ended, events)
        return events

    def finish(self) -> Events:
        events = Events()
        self._give_up(events)
        return events

    def epoch(self, time: bytes) -> float | None:
        return orm_lines.epoch(time)

    def minute(self, time: bytes) -> bytes:
        return orm_lines.minute(time)

    def session(self, session: bytes) -> Session:
        return Session(database=session.decode("utf-8", "replace"))

    def identity(self, session: bytes) -> bytes:
        """Django has one connection for each alias and thread; the log does not tell threads apart."""
        return session

    def _begin(self, line: bytes, events: Events) -> None:
        self._give_up(events)
        duration = _DURATION.search(line)
        if duration is not None and self._is_prefix(line[: duration.start()]):
            self._micros = int(duration[1]) * 1_000_000 + int(duration[2]) * 1000
            self._time = orm_lines.time(line[: duration.start()])
            self._lines = [line[duration.end() :]]
        elif line.strip() and not (
            b"; (params " in line and line.endswith(b")")
        ):  # the schema editor says it once more
            _unknown([line], events)

    def _is_prefix(self, prefix: bytes) -> bool:
        if self._named:
            return _LOGGER in prefix
        return not prefix if self._bare else self._opening is None or self._opening.match(prefix) is not None

    def _breaks_off(self, line: bytes) -> bool:
        """Whether a line cannot belong to the statement that is open: it begins as lines of the log do, or is a whole record
        where no string is open."""
        if self._opening is not None:
            return self._opening.match(line) is not None
        duration = _DURATION.match(line) if self._bare else _DURATION.search(line)
        if duration is None or not self._is_prefix(line[: duration.start()]) or not self._ended(line):
            return False
        return sum(part.count(b"'") for part in self._lines) % 2 == 0

    def _ended(self, line: bytes) -> re.Match[bytes] | None:
        """A record's last line has its arguments and, where the log has such, the connection's alias."""
        if _ARGS not in line:
            return None
        found = _ENDED.search(line[-200:])
        return found if found and (found["alias"] or not self._aliases) else None

    def _end(self, ended: re.Match[bytes], events: Events) -> None:
        last = self._lines[-1]
        self._lines[-1] = last[: last.index(_ARGS)] if _ARGS in last else last
        events.texts.append(b"\n".join(self._lines).strip(b"; \r\n\t"))
        events.micros.append(self._micros)
        events.times.append(self._time)
        events.sessions.append(ended["alias"] or b"")
        self._lines = []

    def _give_up(self, events: Events) -> None:
        if self._lines:
            _unknown(self._lines, events)
            self._lines = []


def _unknown(lines: list[bytes], events: Events) -> None:
    events.unparsed += len(lines)
    events.examples.extend(lines[: 3 - len(events.examples)])


class DjangoDebug:
    """django.db.backends at DEBUG."""

    name = "django"

    def fits(self, head: bytes) -> float:
        prefix = _prefix(head)
        if prefix is None:
            return 0.0
        events = DjangoReader(head, prefix).read(head[: head.rfind(b"\n") + 1] or head)
        return 1 - events.unparsed / max(events.lines, 1) if events.texts else 0.0

    def reader(self, head: bytes, prefix: str | None) -> Reader:
        return DjangoReader(head, _prefix(head) or b"")


FORMAT = DjangoDebug()
