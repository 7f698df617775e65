"""Runs of one statement in one connection: executions come in block by block, complete runs go out as Repeats of their fingerprint.

What a block begins and ends with may belong to a run of its neighbours, so both are kept open; parts of a log that several
processes read are joined in the same way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter, ne
from zlib import crc32

from perfkit.collectors.sqllog.interface import Events
from perfkit.model.sqllog import Repeats

SHORTEST = 5
LONGEST_PAUSE = 0.01
"""Seconds between two executions of a run, in the mean: a loop waits for no user and no further request."""
FORGOTTEN = 600.0
_LOOKED_AFTER = 60.0  # seconds of the log between two looks at what may be forgotten
_PARENT_PAUSE = 1.0
_RUN = re.compile(rf"(.)\1{{{SHORTEST - 1},}}", re.DOTALL)
_READS = ("select", "with", "(", "values", "table")
_WRITES = ("insert", "update", "delete", "merge", "replace")


@dataclass(slots=True)
class Run:
    """Executions of one fingerprint in a row. `changes` is how often the values differed from those before; `parent` what came
    before it, empty for nothing. Times are seconds since the epoch, of the ends of executions."""

    fingerprint: str
    count: int
    micros: int
    changes: int
    first_value: int
    last_value: int
    begin: float | None
    end: float | None
    parent: str = ""
    parent_end: float | None = None
    whole: bool = False

    def extend(self, other: Run) -> None:
        self.changes += other.changes + (self.last_value != other.first_value)
        self.count += other.count
        self.micros += other.micros
        self.last_value, self.end = other.last_value, other.end

    def after(self, before: Run) -> None:
        self.parent, self.parent_end = before.fingerprint, before.end

    @property
    def counts(self) -> bool:
        """Whether it is long, with ever other values, without pauses, after a statement that can have led to it."""
        if self.count < SHORTEST or not self.parent or self.changes * 2 < self.count - 1:
            return False
        reads = self.fingerprint.startswith(_READS)
        if not (reads and self.parent.startswith(_READS)) and not self.fingerprint.startswith(_WRITES):
            return False
        if self.begin is None or self.end is None:
            return True
        pauses = self.end - self.begin - self.micros / 1e6
        if self.parent_end is not None and self.begin - self.parent_end > _PARENT_PAUSE:
            return False
        return pauses <= LONGEST_PAUSE * self.count


@dataclass(slots=True)
class Runs:
    """`found` by fingerprint. `is_part`: other parts of the log come before, so what connections begin with stays open."""

    is_part: bool = False
    found: dict[str, Repeats] = field(default_factory=lambda: defaultdict(Repeats))
    heads: dict[bytes, Run] = field(default_factory=dict)
    tails: dict[bytes, Run] = field(default_factory=dict)
    started: float | None = None
    looked: float = 0.0

    def add(
        self,
        events: Events,
        names: Sequence[str],
        numbers: Sequence[int],
        identity: Callable[[bytes], bytes],
        epoch: Callable[[bytes], float | None],
    ) -> None:
        """`names[number]` is a fingerprint; `identity` the connection of a session."""
        letters = "".join(map(chr, numbers))
        block = _Block(events, names, numbers, epoch)
        for connection, indexes in _by_connection(events.sessions, identity).items():
            own = "".join(itemgetter(*indexes)(letters))
            self._connection(connection, block, indexes, own)
        if events.times:
            self._forget(epoch(events.times[-1]))

    def _connection(self, connection: bytes, block: _Block, indexes: list[int], letters: str) -> None:
        total = len(letters)
        lead = total - len(letters.lstrip(letters[0]))
        self._begin(connection, block.run(indexes[:lead], lead == total))
        if lead == total:
            return
        trail = len(letters.rstrip(letters[-1]))
        for match in _RUN.finditer(letters, lead, trail):
            self._close(block.run_after(indexes[match.start() - 1], indexes[match.start() : match.end()]))
        tail = block.run_after(indexes[trail - 1], indexes[trail:])
        old = self.tails.get(connection)
        if old is not None:
            self._close(old)
        self.tails[connection] = tail

    def _begin(self, connection: bytes, head: Run) -> None:
        before = self.tails.get(connection)
        if before is None:
            if self._is_early(head):
                self.heads[connection] = head
            if head.whole or connection not in self.heads:
                self.tails[connection] = head
        elif before.fingerprint == head.fingerprint:
            before.extend(head)
        else:
            head.after(before)
            self._close(before)
            self.tails[connection] = head

    def _is_early(self, head: Run) -> bool:
        """Whether it may go on with what the part before ended with."""
        if not self.is_part:
            return False
        if self.started is None:
            self.started = head.begin
        return self.started is None or head.begin is None or head.begin < self.started + FORGOTTEN

    def _close(self, run: Run) -> None:
        if run.counts:
            self.found[run.fingerprint].merge(Repeats(1, run.count, run.micros, run.count))
            self.found[run.fingerprint].parents[run.parent] += 1

    def _forget(self, now: float | None) -> None:
        if now is None or abs(now - self.looked) < _LOOKED_AFTER:
            return
        self.looked = now
        for connection, run in list(self.tails.items()):
            if run.end is None or run.end < now - FORGOTTEN:
                self._close(self.tails.pop(connection))

    def merge(self, other: Runs) -> None:
        """`other` is of the part that follows."""
        for connection, head in other.heads.items():
            before, is_tail = self.tails.pop(connection, None), other.tails.get(connection) is head
            if before is None:
                last = head
            elif before.fingerprint == head.fingerprint:
                before.extend(head)
                last = before
            else:
                head.after(before)
                self._close(before)
                last = head
            if is_tail:
                other.tails[connection] = last
            else:
                self._close(last)
        self.tails.update(other.tails)
        for fingerprint, repeats in other.found.items():
            self.found[fingerprint].merge(repeats)

    def finish(self) -> None:
        for run in self.tails.values():
            self._close(run)
        self.tails.clear()


def _by_connection(sessions: Sequence[bytes], identity: Callable[[bytes], bytes]) -> dict[bytes, list[int]]:
    """Indexes of events in their order. Where a user or a database changed, sessions share their connection."""
    by_session: dict[bytes, list[int]] = defaultdict(list)
    for at, session in enumerate(sessions):
        by_session[session].append(at)
    found: dict[bytes, list[int]] = {}
    shared: set[bytes] = set()
    for session, indexes in by_session.items():
        connection = identity(session)
        if connection in found:
            found[connection] += indexes
            shared.add(connection)
        else:
            found[connection] = indexes
    found.pop(b"", None)
    for connection in shared.intersection(found):
        found[connection].sort()
    return found


@dataclass(frozen=True, slots=True)
class _Block:
    events: Events
    names: Sequence[str]
    numbers: Sequence[int]
    epoch: Callable[[bytes], float | None]

    def run(self, indexes: list[int], whole: bool = False) -> Run:
        events, first, last = self.events, indexes[0], indexes[-1]
        name, micros = self.names[self.numbers[first]], events.micros[first]
        end, value = self.epoch(events.times[first]), self._value(first)
        begin = None if end is None else end - micros / 1e6
        if first == last:
            return Run(name, 1, micros, 0, value, value, begin, end, "", None, whole)
        values: Sequence[object] = itemgetter(*indexes)(events.texts)
        if events.parameters:
            values = list(zip(values, map(events.parameters.get, indexes), strict=True))
        changes = sum(map(ne, values, values[1:]))
        micros = sum(itemgetter(*indexes)(events.micros))
        end, last_value = self.epoch(events.times[last]), self._value(last)
        return Run(name, len(indexes), micros, changes, value, last_value, begin, end, whole=whole)

    def run_after(self, parent: int, indexes: list[int]) -> Run:
        run = self.run(indexes)
        run.parent, run.parent_end = self.names[self.numbers[parent]], self.epoch(self.events.times[parent])
        return run

    def _value(self, at: int) -> int:
        value, parameters = crc32(self.events.texts[at]), self.events.parameters
        return crc32(parameters[at], value) if at in parameters else value
