"""PostgreSQL's log on stderr: lines with any log_line_prefix come in, columns of executions go out.

A record's first line and its DETAIL, STATEMENT and so on are lines of their own with the same prefix, written in one piece; further
lines of a text begin with a tab (PostgreSQL's documentation, 19.8.3, and `send_message_to_server_log`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import add, not_
from typing import Any

from perfkit.collectors.sqllog.interface import Events, Prepares
from perfkit.collectors.sqllog.postgres_blocks import DURATION
from perfkit.collectors.sqllog.postgres_clock import epoch
from perfkit.collectors.sqllog.postgres_guess import LATER, SEVERITIES, beginnings, worked_out
from perfkit.collectors.sqllog.postgres_plan_texts import prepared
from perfkit.collectors.sqllog.postgres_prefix import Prefix, compiled
from perfkit.collectors.sqllog.postgres_records import Conversations, Row
from perfkit.errors import USAGE, PerfkitError
from perfkit.model.sqllog import Session

_NEEDS_ORDER = (b"duration: ", b"statement: ", b"execute ")
_UNKNOWN = "[unknown]"
_AT_GREENWICH = (b"UTC", b"GMT", b"UCT", b"WET", b"Z")
_MOST_MINUTES = 10_000
_PARTS = {
    b"text": rb"[^\n]*+(?:\n\t[^\n]*+)*+",
    b"end": rb"(?:\n|\Z)",
    b"state": rb"(?:[0-9A-Z]{5}: )?",
    b"duration": DURATION,
    b"later": LATER,
    b"severity": SEVERITIES,
}
_MILLISECONDS, _SAID, _OTHER, _JUNK = 3, 6, 7, 8  # places among the columns
_GROUPS = 9
# What a Row has after its message, from 1; what stands at 0 is not asked for.
_PLACES = {b"HINT": 0, b"QUERY": 0, b"LOCATION": 0, b"BACKTRACE": 0, b"DETAIL": 1, b"CONTEXT": 2, b"STATEMENT": 3}
_PARAMETERS = frozenset((b"Parameters: ", b"parameters: "))
_STATE = re.compile(rb"[0-9A-Z]{5}: ")
_STEPS = {b"s": b"statement", b"e": b"execute <unnamed>", b"p": b"parse <unnamed>", b"b": b"bind <unnamed>"}
Columns = Sequence[list[Any]]
"""What the groups of `Patterns.line` found, None for nothing: time, two parts of the session, milliseconds, step, statement, DETAIL,
any other line with its severity, a line that is none."""


class Patterns:
    """`line` finds a line with those that go on with its text; `first` and `start` the first line of a record, `start` after a
    line break."""

    def __init__(self, prefix: Prefix) -> None:
        parts = {**_PARTS, b"p": prefix.plain, b"g": prefix.pattern}
        self.line = re.compile(
            rb"^%(g)s(?:LOG:  %(state)s%(duration)s(%(text)s)|DETAIL:  (%(text)s)|((?:%(severity)s|%(later)s):  %(text)s))%(end)s"
            rb"|(^(?:[^\n]++\n?|\n))" % parts,
            re.MULTILINE,
        )
        self.first = re.compile(rb"%(p)s%(severity)s:  " % parts)
        self.start = re.compile(rb"\n(?=%(p)s%(severity)s:  )" % parts)


class StderrReader:
    system = "postgresql"

    def __init__(self, prefix: Prefix, dos: bool = False) -> None:
        """`dos`: lines end in CR and LF. Elsewhere that stands in statements alone, and is kept."""
        self.prefix = prefix
        self._dos = dos
        self.remarks: list[str] = []
        self.minute_length = 16
        self._patterns = Patterns(prefix)
        self._conversations = Conversations()
        self._minutes: dict[bytes, float] = {}
        if prefix.time == "n":
            del self.minute_length

    @property
    def ordered(self) -> bool:
        return self._conversations.ordered

    def begin(self, block: bytes) -> int:
        found = self._patterns.start.search(block)
        return found.end() if found else -1

    def cut(self, block: bytes, last: bool) -> int:
        if last:
            return len(block)
        end = len(block)
        while (end := block.rfind(b"\n", 0, end)) >= 0:
            if self._patterns.first.match(block, end + 1):
                return end + 1
        return 0

    def read(self, block: bytes) -> Events:
        if self._dos:
            block = block.replace(b"\r\n", b"\n")
        events = Events(lines=block.count(b"\n") + (block[-1:] not in (b"\n", b"")))
        # Matches follow one another, so that a split is what they found, without a tuple for each.
        pieces = self._patterns.line.split(block)
        columns = [pieces[at :: _GROUPS + 1] for at in range(1, _GROUPS + 1)]
        if any(columns[_JUNK]):
            junk = [line for line in columns[_JUNK] if line and not line.isspace()]
            events.unparsed, events.examples = len(junk), junk[:3]
        if not self._conversations.open:
            rows = _rows(columns, compress(count(), columns[_OTHER])) if any(columns[_OTHER]) else []
            if not any(row[3].startswith(_NEEDS_ORDER) for row in rows):
                executed = _columns(columns, events)
                self._conversations.take(rows, events)
                self._conversations.expect_plans_of(executed)
                return events
        self._conversations.take(_rows(columns, range(len(columns[0]))), events)
        return events

    def finish(self) -> Events:
        return self._conversations.finish()

    def epoch(self, time: bytes) -> float | None:
        if self.prefix.time == "n":
            return epoch(time)
        seconds = time[17:].partition(b" ")[0]
        minute = time[:17] + b"00" + time[17 + len(seconds) :]
        begun = self._minutes.get(minute)
        if begun is None:
            found = epoch(minute)
            if found is None or len(self._minutes) > _MOST_MINUTES:
                return epoch(time)
            begun = self._minutes[minute] = found
            self._check_zone(minute)
        return begun + float(seconds)

    def _check_zone(self, minute: bytes) -> None:
        zone = minute[19:].strip()
        if zone.isalpha() and zone not in _AT_GREENWICH and epoch(minute) == epoch(minute[:19] + b" UTC"):
            remark = f"The time zone {zone.decode('ascii', 'replace')} is not known: times are taken for UTC."
            if remark not in self.remarks:
                self.remarks.append(remark)

    def minute(self, time: bytes) -> bytes:
        if self.prefix.time == "n":
            return b"%d" % (int(time.partition(b".")[0]) // 60)
        return time[:16]

    def session(self, session: bytes) -> Session:
        found = self.prefix.session.fullmatch(session)
        if found is None:
            return Session()
        named = {name: (value or b"").strip().decode("utf-8", "replace") for name, value in found.groupdict().items()}
        user, database, application = (
            "" if named.get(name, "") == _UNKNOWN else named.get(name, "")
            for name in ("user", "database", "application")
        )
        return Session(user, database, application, named.get("host", "").partition("(")[0])

    def identity(self, session: bytes) -> bytes:
        found = self.prefix.session.fullmatch(session)
        if found is None:
            return b""
        named = found.groupdict()
        return named.get("connection") or named.get("process") or b""


def _rows(columns: Columns, places: Iterable[int]) -> list[Row]:
    """The records that begin at these places, with what their further lines say."""
    times, firsts, seconds, durations, steps, texts, details, others, _ = columns
    rows: list[Row] = []
    for at in places:
        if milliseconds := durations[at]:
            severity = b"LOG"
            message = b"duration: %b ms  %b: %b" % (milliseconds, _STEPS[steps[at]], texts[at])
        else:
            other = others[at] or b""
            severity, _, message = other.partition(b":  ")
            if not other or severity in _PLACES:
                continue
            if state := _STATE.match(message):
                message = message[state.end() :]
        said = [b""] * 4
        for attached, line in zip(details[at + 1 : at + 8], others[at + 1 : at + 8], strict=True):
            label, _, more = (line or b"").partition(b":  ")
            place = 1 if attached else _PLACES.get(label)
            if place is None:
                break
            said[place] = _untabbed(attached or more)
        session = (firsts[at] or b"") + (seconds[at] or b"")
        _, detail, context, statement = said
        rows.append((times[at] or b"", session, severity, _untabbed(message), detail, context, statement))
    return rows


def _untabbed(text: bytes) -> bytes:
    return text.replace(b"\n\t", b"\n") if b"\n\t" in text else text


def _all_untabbed(texts: list[bytes]) -> list[bytes]:
    """The same of many, at least one; blocks have no NUL."""
    joined = b"\0".join(texts)
    return joined.replace(b"\n\t", b"\n").split(b"\0") if b"\n\t" in joined else texts


def _columns(columns: Columns, events: Events) -> dict[bytes, bytes]:
    """The last text that each session executed by the extended protocol."""
    durations = columns[_MILLISECONDS]
    # What the line after each execution says, if that is a DETAIL.
    details = list(compress((*columns[_SAID][1:], b""), durations)) if any(columns[_SAID]) else []
    columns = [list(compress(column, durations)) for column in columns[:_SAID]]
    if not columns[0]:
        return {}
    times, firsts, seconds = map(_without_none, columns[:_MILLISECONDS])
    milliseconds, steps, texts = columns[_MILLISECONDS:]
    micros = list(map(int, b" ".join(milliseconds).replace(b".", b"").split()))
    sessions = list(map(add, firsts, seconds)) if any(seconds) else firsts
    texts = _all_untabbed(texts)
    all_steps = b"".join(steps)
    if b"p" in all_steps or b"b" in all_steps:
        executes = list(map(b"se".__contains__, steps))
        prepares = list(map(not_, executes))
        columns = [texts, micros, times, sessions]
        events.prepares = Prepares(*(list(compress(column, prepares)) for column in columns))
        times, sessions, steps, texts = (list(compress(kept, executes)) for kept in (times, sessions, steps, texts))
        micros = list(compress(micros, executes))
        details = list(compress(details, executes)) if details else []
    events.times, events.sessions, events.texts, events.micros = times, sessions, texts, micros
    _tell(details, texts, events)
    if b"e" not in all_steps:
        return {}
    return dict(compress(zip(sessions, texts, strict=True), map(b"e".__eq__, steps)))


def _tell(details: list[bytes], texts: list[bytes], events: Events) -> None:
    """What DETAIL says of executions: parameters, mostly; of EXECUTE, the statement that it prepared."""
    said = list(filter(None, details))
    if not said:
        return
    said = _all_untabbed(said)
    places = list(compress(count(), details))
    if {detail[:12] for detail in said} <= _PARAMETERS:
        events.parameters = dict(zip(places, [detail[12:] for detail in said], strict=True))
        return
    for at, detail in zip(places, said, strict=True):
        if detail[:12] in _PARAMETERS:
            events.parameters[at] = detail[12:]
        elif detail[:9] == b"prepare: ":
            texts[at] = prepared(detail) or texts[at]


def _without_none(pieces: list[Any]) -> list[bytes]:
    """What stands after %q has nothing in the records of the server's own processes."""
    return [piece or b"" for piece in pieces] if None in pieces else pieces


class StderrFormat:
    name = "postgres-stderr"

    def fits(self, head: bytes) -> float:
        setting = worked_out(head)
        if setting is None:
            return 0.0
        return 0.99 * _share(compiled(setting), head)

    def reader(self, head: bytes, prefix: str | None) -> StderrReader:
        guessed = worked_out(head)
        if prefix is None:
            if guessed is None:
                raise PerfkitError(
                    "the log_line_prefix of this log cannot be told from its lines.",
                    "give the server's setting: --prefix '%m [%p] '",
                    USAGE,
                )
            return StderrReader(compiled(guessed), _is_dos(head))
        given = compiled(prefix)
        if beginnings(head) and _share(given, head) < 0.1:
            hint = f"the log's lines fit --prefix '{guessed}'" if guessed else "look up log_line_prefix on the server"
            raise PerfkitError(f"--prefix '{prefix}' fits none of the log's first lines.", hint, USAGE)
        return StderrReader(given, _is_dos(head))


def _is_dos(head: bytes) -> bool:
    return head[: head.find(b"\n")].endswith(b"\r")


def _share(prefix: Prefix, head: bytes) -> float:
    """Of the lines that are no further lines of a text."""
    head = head.replace(b"\r\n", b"\n")
    begins = re.compile(rb"%b(?:%b|%b):  " % (prefix.plain, SEVERITIES, LATER))
    lines = [line for line in head.split(b"\n")[: -1 if b"\n" in head else None] if line and not line.startswith(b"\t")]
    return sum(begins.match(line) is not None for line in lines) / max(1, len(lines))


FORMAT = StderrFormat()
