"""MySQL's, MariaDB's and Percona Server's slow query log: blocks of its bytes come in, columns of executions go out.

Sources: https://dev.mysql.com/doc/refman/8.4/en/slow-query-log.html, https://mariadb.com/kb/en/slow-query-log-extended-statistics/,
https://docs.percona.com/percona-server/8.0/slow-extended.html.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, compress, count, repeat
from typing import Any

from perfkit.collectors.sqllog import mysql_clock
from perfkit.collectors.sqllog.interface import Events, Incident, Reader
from perfkit.collectors.sqllog.mysql_headers import BANNER, SHORT_START, START, Row, exact, flags, micros, records
from perfkit.model.sqllog import LoggedPlan, Session

_BANNER_LINES = re.compile(
    rb"^(?:" + BANNER + rb")[^\n]*\n?(?:Time[ \t]+Id[ \t]+Command[ \t]+Argument[^\n]*\n?)?", re.MULTILINE
)
_HEADER_LINES = (b"# Time: ", b"# User@Host: ", b"# Thread_id: ", b"# Schema: ", b"# Client: ")
_BROKEN_OFF = re.compile(rb";\r?\n(?=# (?:Time|User@Host): )")
_USE = re.compile(rb"^# Query_time: [^\n]*\n(?:#[^\n]*\n){0,20}use ([^\n]*);\n", re.MULTILINE)
_LONGEST_HEADER = 65536
_NESTED = b"\n# Stored_routine: "
_END = b"; \r\n\t"
# Unsigned differences of a clock that was set back come out near 2**64 microseconds; no statement takes thirty years.
_NO_DURATION = 10**15
_MOST_NUMBERS = 50_000

Columns = dict[str, list[Any]]
"""Pieces of records by their names in Row, None for what a record has not."""


class MysqlSlowReader:
    """Keeps the last `use` and the last time, which stand for the records that have none."""

    def __init__(self, head: bytes) -> None:
        told = (
            rb"\n# Thread_id: \d+  Schema: [^\n]*QC_hit: "
            if b"# Query_time: " in head
            else rb", Version: [^\n]{0,300}?MariaDB"
        )
        self.system = "mariadb" if re.search(told, head) else "mysql"
        short = b"# User@Host: " not in head
        self._records = records(self.system, short)
        self._names = [name for name in Row._fields if name in self._records.groupindex]
        self._micros, self._counts = _Durations(), _Counts()
        self._start = re.compile(SHORT_START if short else START)
        self._inner = re.compile(rb"\n(?=" + self._start.pattern + rb")")
        used = {name.strip(b"`") for name in _USE.findall(head)}
        self._anywhere = self.system == "mariadb" or len(used) < 2
        self._only = used.pop() if len(used) == 1 and self.system == "mysql" else b""
        self._zone = mysql_clock.zone(head)
        self._time = self._database = b""
        self._nested = self._has_read = False
        self._named = _Named(b"")
        self.minute = mysql_clock.Minutes().__getitem__

    @property
    def remarks(self) -> list[str]:
        """Without numbers: parts of a log, which several processes read, say the same."""
        said = [
            (self._nested, "Statements ran inside stored routines: their time is in that of their CALL as well."),
            (
                self._micros.some_wrong,
                "Durations of thousands of years count as 0: the server's clock was set back meanwhile.",
            ),
        ]
        return [sentence for so, sentence in said if so]

    def cut(self, block: bytes, last: bool) -> int:
        if last:
            return len(block)
        at = len(block)
        while (at := block.rfind(b"# Query_time: ", 0, at)) >= 0:
            start = _run(block, at)
            if start is not None and self._start.match(block, start):
                return start
        return 0

    def begin(self, block: bytes) -> int:
        """Where MySQL only writes `use` when the database differs from the last one, the record has to have it: what came before
        is not known here. A log whose head has but one database may begin anywhere."""
        at = 0
        while found := self._inner.search(block, at):
            at = found.start() + 1
            if self._anywhere or self._has_read:
                self._database = self._database or self._only
                return at
            if (record := exact(block[at : at + _LONGEST_HEADER])) and record[0].use:
                return at
        return -1

    def read(self, block: bytes) -> Events:
        events = Events(lines=block.count(b"\n") + (not block.endswith(b"\n") and bool(block)))
        self._has_read = True
        # Matches follow one another, so that a split is what they found, without a tuple for each.
        pieces, step = self._records.split(block), len(self._names) + 1
        columns = {name: pieces[at::step] for at, name in enumerate(self._names, 1)}
        columns = self._odd(columns, events)
        if columns["text"]:
            self._columns(columns, events)
        return events

    def finish(self) -> Events:
        return Events()

    def epoch(self, time: bytes) -> float | None:
        return mysql_clock.epoch(time, self._zone)

    def session(self, session: bytes) -> Session:
        return mysql_clock.session(session)

    def identity(self, session: bytes) -> bytes:
        return mysql_clock.connection(session)

    def _odd(self, columns: Columns, events: Events) -> Columns:
        """Takes records of other shapes apart; what is no record is counted and left out."""
        queries, texts = columns["query"], columns["text"]
        strange = [] if all(queries) else [at for at, query in enumerate(queries) if not query]
        for at in strange:
            record = texts[at]
            if (found := exact(record)) is None:
                self._unknown(record, events)
                continue
            row, waited = found
            for name, column in columns.items():
                column[at] = getattr(row, name)
            self._nested |= _NESTED in record
            self._beside(row, waited, events)
        if not all(queries):
            columns = {name: list(compress(column, queries)) for name, column in columns.items()}
            texts = columns["text"]
        if texts and (broken := _BROKEN_OFF.search(texts[-1])):
            self._unknown(texts[-1][broken.end() :], events)
            texts[-1] = texts[-1][: broken.end()]
        return columns

    def _beside(self, row: Row, waited: int, events: Events) -> None:
        """What a record tells for which the common shape of this log has no column."""
        text = row.text.rstrip(_END)
        if waited:
            events.incidents.append(Incident("lock-wait", text, waited, "row lock", row.time, row.session))
        if "errno" not in self._names and row.errno.strip(b"0"):
            events.incidents.append(Incident("error", text, 1, _error(row.errno), row.time, row.session))
        if "explain" not in self._names and row.explain:
            events.early_plans.append((text, LoggedPlan(_plan(row.explain), micros(row.query) or 0)))

    def _unknown(self, piece: bytes, events: Events) -> None:
        lines = [line for line in _BANNER_LINES.sub(b"", piece).split(b"\n") if line.strip(b"\0\r ")]
        events.unparsed += len(lines)
        events.examples.extend(lines[: 3 - len(events.examples)])

    def _columns(self, columns: Columns, events: Events) -> None:
        events.texts = list(map(bytes.rstrip, columns["text"], repeat(_END)))
        events.micros = list(map(self._micros.__getitem__, columns["query"]))
        events.locked = list(map(self._micros.__getitem__, columns["lock"]))
        events.rows_sent = list(map(self._counts.__getitem__, columns["sent"]))
        events.rows_examined = list(map(self._counts.__getitem__, columns["examined"]))
        if any(columns["affected"]):
            events.rows_affected = list(map(self._counts.__getitem__, columns["affected"]))
        events.times = self._times(columns["time"])
        events.sessions = self._sessions(columns["session"], columns.get("use", ()))
        _raise(columns["told"], events.flags)
        _raise(columns.get("disk", ()), events.flags)
        if any(plans := columns.get("explain", ())):
            events.plans = _slowest(plans, events)
        if any(errors := columns.get("errno", ())):
            for at in [at for at, number in enumerate(errors) if number and number.strip(b"0")]:
                which = (events.texts[at], 1, _error(errors[at]), events.times[at], events.sessions[at])
                events.incidents.append(Incident("error", *which))

    def _times(self, times: list[bytes]) -> list[bytes]:
        """Old servers only wrote a time where it differed from the last one."""
        before, self._time = self._time, next(filter(None, reversed(times)), self._time)
        if all(times):
            return times
        return list(accumulate(times, lambda last, time: time or last, initial=before))[1:]

    def _sessions(self, sessions: Sequence[bytes], uses: Sequence[bytes]) -> list[bytes]:
        """With the database as `# Schema:` where the log only has `use`, which MySQL writes when it differs from the last one."""
        if self.system == "mariadb":
            return list(map(self._named.__getitem__, sessions))
        changes = list(compress(count(), uses))
        named: list[bytes] = []
        for start, end in zip([0, *changes], [*changes, len(sessions)], strict=True):
            if start < len(uses) and uses[start]:
                self._database = uses[start].strip(b"`")
            if self._named.database != self._database:
                self._named = _Named(self._database)
            named += map(self._named.__getitem__, sessions[start:end])
        return named


class _Durations(dict[bytes, int]):
    """Microseconds of seconds with six decimals. Many are equal: each is read once."""

    some_wrong = False

    def __missing__(self, seconds: bytes) -> int:
        if len(self) > _MOST_NUMBERS:
            self.clear()
        micros = int(seconds.replace(b".", b""))
        if micros >= _NO_DURATION:
            self.some_wrong, micros = True, 0
        self[seconds] = micros
        return micros


class _Counts(dict[bytes, int]):
    """Numbers of rows; 0 where the log has none."""

    def __missing__(self, digits: bytes) -> int:
        if len(self) > _MOST_NUMBERS:
            self.clear()
        self[digits] = rows = int(digits or b"0")
        return rows


class _Named(dict[bytes, bytes]):
    """Sessions of one database, by how the log has them without it."""

    def __init__(self, database: bytes) -> None:
        self.database = database

    def __missing__(self, session: bytes) -> bytes:
        if len(self) > 50_000:
            self.clear()
        known = b"\n" in session or not self.database  # Percona Server has the schema in the record
        self[session] = named = session if known else session + b"\n# Schema: " + self.database
        return named


def _run(block: bytes, at: int) -> int | None:
    """Where the header lines begin that lead to the one at `at`; None where no line begins there."""
    if at and block[at - 1] != 0x0A:
        return None
    for _ in range(6):
        above = block.rfind(b"\n", 0, at - 1) + 1 if at else at
        if above == at or not block.startswith(_HEADER_LINES, above):
            break
        at = above
    return at


def _error(number: bytes) -> str:
    return f"error {number.decode('ascii')}"


def _slowest(plans: Sequence[bytes], events: Events) -> dict[int, LoggedPlan]:
    """Of equal texts the slowest, and of these again of equal plans for statements that differ in numbers only: few of many
    thousand plans are kept."""
    micros, texts = events.micros, events.texts
    by_text: dict[bytes, int] = {}
    for at in compress(count(), plans):
        text, took = texts[at], micros[at]
        best = by_text.setdefault(text, at)
        if micros[best] < took or (
            micros[best] == took and plans[best] != plans[at] and _plan(plans[best]) < _plan(plans[at])
        ):
            by_text[text] = at
    kept: dict[tuple[bytes, bytes], int] = {}
    for text, at in by_text.items():
        key = (plans[at], text.translate(None, b"0123456789"))
        if micros[kept.setdefault(key, at)] < micros[at]:
            kept[key] = at
    return {at: LoggedPlan(_plan(plans[at]), micros[at]) for at in sorted(kept.values())}


def _plan(lines: bytes) -> str:
    """A table, its cells apart by tabs, without what makes it a comment of the log."""
    return lines.replace(b"#\n", b"").replace(b"# explain: ", b"").rstrip().decode("utf-8", "replace")


def _raise(pieces: Sequence[bytes], columns: dict[str, list[int]]) -> None:
    """Adds what `pieces` say to `columns`: 1 for an event with the flag."""
    raised = {piece: flags(piece or b"") for piece in set(pieces)}
    for name in sorted(frozenset[str]().union(*raised.values())):
        marks = list(map({piece: int(name in said) for piece, said in raised.items()}.__getitem__, pieces))
        columns[name] = (
            [one | other for one, other in zip(columns[name], marks, strict=True)] if name in columns else marks
        )


class MysqlSlow:
    """MySQL's, MariaDB's and Percona Server's."""

    name = "mysql-slow"

    def fits(self, head: bytes) -> float:
        whole = head[: head.rfind(b"\n") + 1]
        reader = MysqlSlowReader(head)
        events = reader.read(whole[: reader.cut(whole, False)])
        if not events.texts:  # perhaps the head ends in its first record
            events = reader.read(whole)
        if not events.texts and not _BANNER_LINES.search(whole):
            return 0.0
        return 1 - events.unparsed / max(events.lines, 1)

    def reader(self, head: bytes, prefix: str | None) -> Reader:
        return MysqlSlowReader(head)


FORMAT = MysqlSlow()
