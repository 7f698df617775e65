"""Blocks of events become counts of a Ledger. Few calls of Python's for many thousand events: events are put together by statement
and minute, and each such group is counted as a whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from perfkit.collectors.sqllog.interface import Events, Incident, Reader
from perfkit.collectors.sqllog.ledger import Ledger
from perfkit.collectors.sqllog.options import LogOptions, wanted
from perfkit.collectors.sqllog.statements import Statements, tags
from perfkit.collectors.sqllog.tallies import MOST_VALUES, Tally
from perfkit.model.sqllog import Session

_OPTIONAL = ("preparing", "locked", "rows_sent", "rows_examined", "rows_affected")
_MOST_SESSIONS = 50_000
_MOST_TAGS = 10_000
_UNPARSED_EXAMPLE = 300  # bytes

Row = tuple[Any, ...]


class Digester:
    """Counts the events of one reader after the other into `ledger`."""

    def __init__(self, options: LogOptions, ledger: Ledger) -> None:
        self.ledger = ledger
        self._options = options
        self._statements: dict[str, Statements] = {}
        self._tallies: dict[str, list[Tally]] = {}
        self._sessions: dict[bytes, tuple[Session, bytes]] = {}
        self._epoch: Callable[[bytes], float | None] = lambda _: None

    def begin(self, reader: Reader) -> None:
        """Before the first events of another reader: pieces of its log mean something else."""
        self._sessions.clear()
        self._epoch = reader.epoch

    def add(self, events: Events, reader: Reader) -> None:
        ledger = self.ledger
        ledger.system = ledger.system or reader.system
        ledger.lines += events.lines
        ledger.unparsed += events.unparsed
        if len(ledger.examples) < 3:
            room = 3 - len(ledger.examples)
            ledger.examples += [example[:_UNPARSED_EXAMPLE] for example in events.examples[:room]]
        if self._options.filters:
            events, left_out = wanted(events, reader, self._options)
            ledger.filtered += left_out
        if events.texts:
            self._executions(events, reader)
        if events.prepares and not self._options.filters:
            self._prepares(events.prepares, reader.system)
        for text, plan in events.early_plans:
            self._one(text, reader.system).add_plan(plan)
        self._incidents(events, reader)

    def incidents(self, incidents: Sequence[Incident], system: str) -> None:
        for incident in incidents:
            self.ledger.incident(self._one(incident.text, system) if incident.text else None, incident)

    def _executions(self, events: Events, reader: Reader) -> None:
        self.ledger.events += len(events.texts)
        numbers, comments = self._numbers(events.texts, reader.system)
        tallies = self._tallies[reader.system]
        names = [name for name in _OPTIONAL if getattr(events, name)]
        flags = list(events.flags)
        extra = [getattr(events, name) for name in names] + [events.flags[name] for name in flags]
        names += [f"flag {name}" for name in flags]
        if self._options.keep_literals:
            names.append("")
            extra.append([events.parameters.get(at, b"") for at in range(len(numbers))])
        length = getattr(reader, "minute_length", None)
        minutes = list(map(reader.minute, events.times)) if length is None else [time[:length] for time in events.times]
        rows = zip(events.micros, events.times, events.texts, events.sessions, *extra, strict=True)
        groups: dict[tuple[int, bytes], list[Row]] = defaultdict(list)
        for pair, row in zip(zip(numbers, minutes, strict=True), rows, strict=True):
            groups[pair].append(row)
        sessions = self._known_sessions(events.sessions, reader)
        for (number, _), members in groups.items():
            self._group(tallies[number], members, names)
        for (number, comment), count in Counter((numbers[at], comment) for at, comment in comments.items()).items():
            self._tags(tallies[number], comment, count)
        for at, plan in events.plans.items():
            tallies[numbers[at]].add_plan(plan)
        connections = [sessions[raw][1] for raw in events.sessions]
        known = [statement.fingerprint for statement in self._statements[reader.system].known]
        self.ledger.runs.add(events, known, numbers, connections, self._epoch)

    def _group(self, tally: Tally, members: list[Row], names: list[str]) -> None:
        micros, times, texts, raws, *extra = zip(*members, strict=True)
        first, last = self._epoch(min(times)), self._epoch(max(times))
        tally.add(micros, None if first is None else int(first // 60))
        tally.span(first, last)
        for raw, count in Counter(raws).items():
            tally.sessions[self._sessions[raw][0]] += count
        if len(tally.values) < MOST_VALUES:
            tally.values.update(map(crc32, texts))
        if tally.worst is None or max(micros) >= tally.worst[0]:
            took, time, text, raw, *_ = slowest = max(members)
            at = self._epoch(time)
            parameters = slowest[-1] if self._options.keep_literals else b""
            tally.slower((took, -1.0 if at is None else at, text, self._sessions[raw][0], parameters))
        for name, column in zip(names, extra, strict=True):
            if not name:
                continue
            if name == "preparing":
                tally.preparing += sum(column)
                continue
            tally.seen.add(name)
            tally.sums[name] += sum(column)
            if name == "rows_examined":
                tally.largest = max(tally.largest, max(column))

    def _numbers(self, texts: list[bytes], system: str) -> tuple[list[int], dict[int, bytes]]:
        statements = self._statements.get(system)
        if statements is None:
            statements = self._statements[system] = Statements(system)
            self._tallies[system] = []
        found = statements.numbers(texts)
        tallies = self._tallies[system]
        for statement in statements.known[len(tallies) :]:
            tallies.append(self.ledger.tally(system, statement.fingerprint, statement.prepared))
        return found

    def _one(self, text: bytes, system: str) -> Tally:
        numbers, _ = self._numbers([text], system)
        return self._tallies[system][numbers[0]]

    def _known_sessions(self, raws: list[bytes], reader: Reader) -> dict[bytes, tuple[Session, bytes]]:
        known = self._sessions
        if len(known) > _MOST_SESSIONS:
            known.clear()
        for raw in set(raws).difference(known):
            known[raw] = (reader.session(raw), reader.identity(raw))
        return known

    def _tags(self, tally: Tally, comment: bytes, count: int) -> None:
        for tag in tags([comment]):
            if tag in tally.tags or len(tally.tags) < _MOST_TAGS:
                tally.tags[tag] += count

    def _prepares(self, prepares: list[tuple[bytes, int]], system: str) -> None:
        sums: dict[bytes, int] = defaultdict(int)
        for text, micros in prepares:
            sums[text] += micros
        numbers, _ = self._numbers(list(sums), system)
        for number, micros in zip(numbers, sums.values(), strict=True):
            self._tallies[system][number].preparing += micros

    def _incidents(self, events: Events, reader: Reader) -> None:
        if events.waiting or self.ledger.waits.open or self.ledger.runs.is_part:
            lasting = {id(incident) for incident in events.waiting}
            ended = [incident for incident in events.incidents if incident.kind == "lock-wait"]
            for incident in sorted((*events.waiting, *ended), key=lambda incident: incident.time):
                self._wait(incident, reader, id(incident) in lasting)
        self.incidents(events.incidents, reader.system)

    def _wait(self, incident: Incident, reader: Reader, lasts: bool) -> None:
        waits, connection = self.ledger.waits, reader.identity(incident.session)
        if not lasts:
            waits.end(connection)
        elif (before := waits.begin(connection, incident)) is not None:
            self.incidents([before], reader.system)
