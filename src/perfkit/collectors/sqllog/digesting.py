"""Blocks of events become counts of a Ledger. Few calls of Python's for many thousand events: events are put together by statement
and minute, and each such group is counted as a whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import islice
from operator import itemgetter, le
from typing import TypeVar
from zlib import crc32

from perfkit.collectors.sqllog.interface import Events, Incident, Prepares, Reader
from perfkit.collectors.sqllog.ledger import Ledger
from perfkit.collectors.sqllog.options import LogOptions, wanted
from perfkit.collectors.sqllog.statements import Statements, tags
from perfkit.collectors.sqllog.tallies import MOST_VALUES, Tally
from perfkit.model.sqllog import Session

_OPTIONAL = ("preparing", "locked", "rows_sent", "rows_examined", "rows_affected")
_MOST_SESSIONS = 50_000
_MOST_TAGS = 10_000
_UNPARSED_EXAMPLE = 300  # bytes

T = TypeVar("T")


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
        if events.prepares.texts:
            self._prepares(events.prepares, reader.system)
        for text, plan in events.early_plans:
            self._one(text, reader.system).add_plan(plan)
        self._incidents(events, reader)

    def incidents(self, incidents: Sequence[Incident], system: str) -> None:
        numbers, _ = self._numbers([incident.text for incident in incidents if incident.text], system)
        told = iter(numbers)
        for incident in incidents:
            self.ledger.incident(self._tallies[system][next(told)] if incident.text else None, incident)

    def _executions(self, events: Events, reader: Reader) -> None:
        self.ledger.events += len(events.texts)
        numbers, comments = self._numbers(events.texts, reader.system)
        tallies = self._tallies[reader.system]
        sessions = self._known_sessions(events.sessions, reader)
        optional = [(name, column) for name in _OPTIONAL if (column := getattr(events, name))]
        optional += [(f"flag {name}", column) for name, column in events.flags.items()]
        in_order = all(map(le, events.times, islice(events.times, 1, None)))
        for number, members in _groups(numbers, _minutes(events.times, reader)):
            self._group(tallies[number], members, events, in_order)
            _optional(tallies[number], members, optional)
        for (number, comment), count in Counter((numbers[at], comment) for at, comment in comments.items()).items():
            self._tags(tallies[number], comment, count)
        for at, plan in events.plans.items():
            tallies[numbers[at]].add_plan(plan)
        known = [statement.fingerprint for statement in self._statements[reader.system].known]
        self.ledger.runs.add(events, known, numbers, lambda raw: sessions[raw][1], self._epoch)

    def _group(self, tally: Tally, members: list[int], events: Events, in_order: bool) -> None:
        """`members` are indexes of executions of one statement in one minute."""
        micros = _picked(events.micros, members)
        if in_order:
            first, last = self._epoch(events.times[members[0]]), self._epoch(events.times[members[-1]])
        else:
            times = _picked(events.times, members)
            first, last = self._epoch(min(times)), self._epoch(max(times))
        tally.add(micros, None if first is None else int(first // 60))
        tally.span(first, last)
        for raw, count in Counter(_picked(events.sessions, members)).items():
            tally.sessions[self._sessions[raw][0]] += count
        if len(tally.values) < MOST_VALUES:
            tally.values.update(map(crc32, set(_picked(events.texts, members))))
        most = max(micros)
        if tally.worst is None or most >= tally.worst[0]:
            parameters = events.parameters if self._options.keep_literals else {}
            time, text, raw, given = max(
                (events.times[at], events.texts[at], events.sessions[at], parameters.get(at, b""))
                for at, took in zip(members, micros, strict=True)
                if took == most
            )
            ended = self._epoch(time)
            tally.slower((most, -1.0 if ended is None else ended, text, self._sessions[raw][0], given))

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

    def _prepares(self, prepares: Prepares, system: str) -> None:
        sums: dict[bytes, int] = defaultdict(int)
        for text, micros in zip(prepares.texts, prepares.micros, strict=True):
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


def _minutes(times: list[bytes], reader: Reader) -> list[bytes] | None:
    """Of each time, or None where all lie in one minute."""
    length: int | None = getattr(reader, "minute_length", None)
    if length is None:
        minutes = {time: reader.minute(time) for time in set(times)}
        return list(map(minutes.__getitem__, times)) if len(set(minutes.values())) > 1 else None
    # What lies between two texts that begin alike begins as they do.
    if min(times)[:length] == max(times)[:length]:
        return None
    return [time[:length] for time in times]


def _groups(numbers: list[int], minutes: list[bytes] | None) -> list[tuple[int, list[int]]]:
    """Numbers, with the indexes of what has this number and lies in one minute."""
    if minutes is None:
        groups: dict[int, list[int]] = defaultdict(list)
        for at, number in enumerate(numbers):
            groups[number].append(at)
        return list(groups.items())
    pairs: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for at, pair in enumerate(zip(numbers, minutes, strict=True)):
        pairs[pair].append(at)
    return [(number, members) for (number, _), members in pairs.items()]


def _picked(column: Sequence[T], indexes: list[int]) -> tuple[T, ...]:
    if len(indexes) == 1:
        return (column[indexes[0]],)
    picked: tuple[T, ...] = itemgetter(*indexes)(column)
    return picked


def _optional(tally: Tally, members: list[int], columns: list[tuple[str, list[int]]]) -> None:
    for name, column in columns:
        values = _picked(column, members)
        if name == "preparing":
            tally.preparing += sum(values)
            continue
        tally.seen.add(name)
        tally.sums[name] += sum(values)
        if name == "rows_examined":
            tally.largest = max(tally.largest, max(values))
