"""PostgreSQL's log on stderr: lines with any log_line_prefix come in, columns of executions go out.

A record's first line and its DETAIL, STATEMENT and so on are lines of their own with the same prefix, written in one piece; further
lines of a text begin with a tab (PostgreSQL's documentation, 19.8.3, and `send_message_to_server_log`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from operator import add

from perfkit.collectors.sqllog.interface import Events
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
_MOST_MINUTES = 10_000
_PARTS = {
    b"text": rb"[^\n]*+(?:\n\t[^\n]*+)*+",
    b"end": rb"(?:\n|\Z)",
    b"state": rb"(?:[0-9A-Z]{5}: )?",
    b"duration": DURATION,
    b"later": LATER,
    b"severity": SEVERITIES,
}
_LATER = re.compile(rb"^[^\t\n]*?(DETAIL|CONTEXT|STATEMENT):  (%(text)s)" % _PARTS, re.MULTILINE)


class Patterns:
    """Groups of `plain`: time, two parts of the session, milliseconds, step, statement, DETAIL, any other record as a whole, a line
    that is none. Groups of `whole`: time, two parts of the session, severity, message, further lines, a line that is none."""

    def __init__(self, prefix: Prefix) -> None:
        parts = {**_PARTS, b"p": prefix.plain, b"g": prefix.pattern}
        junk = rb"|(^(?:[^\n]++\n?|\n))"
        more = rb"(?:%(p)s%(later)s:  %(text)s%(end)s)*+" % parts
        detail = rb"(?:%(p)sDETAIL:  (%(text)s)%(end)s)?+" % parts
        plain = rb"^%(g)sLOG:  %(state)s%(duration)s(%(text)s)%(end)s" % parts
        other = rb"|(^%(p)s%(severity)s:  %(text)s%(end)s" % parts + more + rb")"
        whole = rb"^%(g)s(%(severity)s):  %(state)s(%(text)s)%(end)s" % parts + rb"(" + more + rb")"
        self.short = re.compile(plain + rb"()" + other + junk, re.MULTILINE)
        self.plain = re.compile(plain + detail + more + other + junk, re.MULTILINE)
        self.whole = re.compile(whole + junk, re.MULTILINE)
        self.first = re.compile(rb"%(p)s%(severity)s:  " % parts)
        self.start = re.compile(rb"\n(?=%(p)s%(severity)s:  )" % parts)
        self.has_later = re.compile(rb"%(later)s:  " % parts)


class StderrReader:
    system = "postgresql"

    def __init__(self, prefix: Prefix) -> None:
        self.prefix = prefix
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
        if b"\r\n" in block:
            block = block.replace(b"\r\n", b"\n")
        events = Events(lines=block.count(b"\n") + (block[-1:] not in (b"\n", b"")))
        if not self._conversations.open:
            found = (self._patterns.plain if self._patterns.has_later.search(block) else self._patterns.short).findall(
                block
            )
            others = b"".join([row[7] for row in found])
            rows = self._rows(self._patterns.whole.findall(others)) if others else []
            if not any(row[3].startswith(_NEEDS_ORDER) for row in rows):
                _note_junk(events, found)
                executed = _columns([row for row in found if row[3]], events, b"\n\t" in block)
                self._conversations.take(rows, events)
                self._conversations.expect_plans_of(executed)
                return events
        found = self._patterns.whole.findall(block)
        _note_junk(events, found)
        self._conversations.take(self._rows([row for row in found if row[3]]), events)
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
        return begun + float(seconds)

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

    def _rows(self, found: Sequence[tuple[bytes, ...]]) -> list[Row]:
        rows: list[Row] = []
        for time, first, second, severity, message, later, _ in found:
            more = dict(_LATER.findall(later)) if later else {}
            if b"\n\t" in message:
                message = message.replace(b"\n\t", b"\n")
            detail, context, statement = (
                more.get(name, b"").replace(b"\n\t", b"\n") for name in (b"DETAIL", b"CONTEXT", b"STATEMENT")
            )
            rows.append((time, first + second, severity, message, detail, context, statement))
        return rows


def _note_junk(events: Events, found: list[tuple[bytes, ...]]) -> None:
    junk = [row[-1] for row in found if row[-1] and not row[-1].isspace()]
    events.unparsed, events.examples = len(junk), junk[:3]


def _columns(found: list[tuple[bytes, ...]], events: Events, has_tabs: bool) -> dict[bytes, bytes]:
    """The last text that each session executed by the extended protocol."""
    if not found:
        return {}
    times, firsts, seconds, milliseconds, steps, texts, details, _, _ = map(list, zip(*found, strict=True))
    micros = list(map(int, b" ".join(milliseconds).replace(b".", b"").split()))
    sessions = list(map(add, firsts, seconds)) if any(seconds) else firsts
    if has_tabs:
        texts = b"\0".join(texts).replace(b"\n\t", b"\n").split(b"\0")
    all_steps = b"".join(steps)
    if b"p" in all_steps or b"b" in all_steps:
        executes = [step in b"se" for step in steps]
        events.prepares = [
            pair for pair, does in zip(zip(texts, micros, strict=True), executes, strict=True) if not does
        ]
        times, sessions, steps, texts, details, micros = (
            list(compress(column, executes)) for column in (times, sessions, steps, texts, details, micros)
        )
    events.times, events.sessions, events.texts, events.micros = times, sessions, texts, micros
    for at, detail in enumerate(details) if any(details) else ():
        if detail[1:12] == b"arameters: ":
            events.parameters[at] = detail[12:].replace(b"\n\t", b"\n")
        elif detail[:9] == b"prepare: ":
            texts[at] = prepared(detail.replace(b"\n\t", b"\n")) or texts[at]
    if b"e" not in all_steps:
        return {}
    return {session: text for session, text, step in zip(sessions, texts, steps, strict=True) if step == b"e"}


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
            return StderrReader(compiled(guessed))
        given = compiled(prefix)
        if beginnings(head) and _share(given, head) < 0.1:
            hint = f"the log's lines fit --prefix '{guessed}'" if guessed else "look up log_line_prefix on the server"
            raise PerfkitError(f"--prefix '{prefix}' fits none of the log's first lines.", hint, USAGE)
        return StderrReader(given)


def _share(prefix: Prefix, head: bytes) -> float:
    """Of the lines that are no further lines of a text."""
    head = head.replace(b"\r\n", b"\n")
    begins = re.compile(rb"%b(?:%b|%b):  " % (prefix.plain, SEVERITIES, LATER))
    lines = [line for line in head.split(b"\n")[: -1 if b"\n" in head else None] if line and not line.startswith(b"\t")]
    return sum(begins.match(line) is not None for line in lines) / max(1, len(lines))


FORMAT = StderrFormat()
