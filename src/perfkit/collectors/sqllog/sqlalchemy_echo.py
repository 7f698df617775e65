"""What SQLAlchemy writes with echo=True, or its logger sqlalchemy.engine at INFO: a statement, then its parameters behind what the
compiled cache did. Lines come in, columns of executions without a time go out. Source: sqlalchemy/engine/default.py and base.py,
1.3 to 2.1."""

from __future__ import annotations

import re
from collections import Counter

from perfkit.collectors.sqllog import orm_lines
from perfkit.collectors.sqllog.interface import Events, Reader
from perfkit.collectors.sqllog.possessive import possessive
from perfkit.model.sqllog import Session

REMARK = (
    "SQLAlchemy logs no durations, only how long it compiled a statement: executions are counted, with a time of 0."
)
_LOGGER = rb"sqlalchemy\.engine" + possessive(rb"\.[\w.]{1,60}+", b"?") + rb"(?![\w.])"
_CACHE = (
    rb"\[(?:generated in |cached since |no key |raw sql|caching disabled |insertmanyvalues |dialect [^\]\n]{0,100}? does not )"
    rb"[^\]\n]{0,200}+\] ?"
)
_KNOWN = re.compile(
    rb"^([^\n]{0,300}?)" + _LOGGER + rb"([^\n]{0,100}?)(?:" + _CACHE + rb"|BEGIN \(implicit\)|COMMIT$|ROLLBACK$)", re.M
)
_OLD_KNOWN = re.compile(
    rb"^([^\n]{0,300}?)" + _LOGGER + rb"([^\w\n]{1,4})(?:BEGIN|COMMIT|SELECT|INSERT|UPDATE|\()", re.M
)
_PARAMETERS = re.compile(_CACHE)
_TOKEN = re.compile(rb"\[([^\]\n]{0,200}+)\] ")
_ROWS = re.compile(rb"(?:Col|Row) \(")
_REMARKED = re.compile(rb"(?<=\ABEGIN) \(implicit[^\n]*\Z|(?:(?<=\ACOMMIT)|(?<=\AROLLBACK)) using DBAPI [^\n]*\Z")
_END = b"; \r\n\t"


class Shape:
    """How one log begins its lines: the formatter's `prefix`, the logger's name, and what stands between it and the message."""

    def __init__(self, prefix: bytes, gap: bytes) -> None:
        self.timed = bool(orm_lines.time(prefix))
        begins = orm_lines.opening(prefix)
        between = re.sub(rb"\d+", rb"\\d+", re.escape(gap))
        start = rb"(?P<prefix>[^\n]{0,300}?)" + _LOGGER + between
        other = rb"(?:" + begins.pattern + rb"|" + start + rb")" if begins else start
        self.start = re.compile(start)
        lines = rb"[^\n]*+" + possessive(rb"\n(?!" + other.replace(rb"?P<prefix>", rb"?:") + rb")[^\n]*+")
        self.entries = re.compile(rb"(?:" + start + rb"(?P<message>" + lines + rb")|(?P<odd>[^\n]*+))(?:\n|\Z)")

    @classmethod
    def of(cls, head: bytes) -> Shape | None:
        found = _KNOWN.findall(head) or _OLD_KNOWN.findall(head)
        if not found:
            return None
        gaps = Counter(re.sub(rb"\d+", b"0", gap) for _, gap in found)
        # A token in brackets may follow the gap: the shortest is the one without.
        shortest = min(gaps, key=len)
        return cls(found[0][0], _TOKEN.sub(b"", shortest) if shortest.startswith(b" [") else shortest)


class SqlalchemyReader:
    def __init__(self, head: bytes, shape: Shape) -> None:
        self.system = orm_lines.system(head)
        self.remarks = [REMARK, orm_lines.UTC_REMARK] if shape.timed else [REMARK]
        self._shape = shape
        self._old = _PARAMETERS.search(head) is None

    def cut(self, block: bytes, last: bool) -> int:
        """Before the last statement, so that its parameters come with it."""
        if last:
            return len(block)
        at = block.rfind(b"\n")  # what follows is perhaps not all of a line
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            found = self._shape.start.match(block, at + 1)
            if found and not self._parameters(block[found.end() : found.end() + 1000])[0]:
                return at + 1
        return 0

    def read(self, block: bytes) -> Events:
        events = Events(lines=block.count(b"\n") + (not block.endswith(b"\n") and bool(block)))
        for prefix, message, odd in self._shape.entries.findall(block):
            if odd.strip():
                events.unparsed += 1
                events.examples.extend([odd][: 3 - len(events.examples)])
                continue
            are_parameters, token, rest = self._parameters(message)
            if are_parameters:
                if events.texts and rest:
                    events.parameters.setdefault(len(events.texts) - 1, rest)
            elif (text := rest.strip(_END)) and not _ROWS.match(text):
                events.texts.append(_REMARKED.sub(b"", text))
                events.micros.append(0)
                events.times.append(orm_lines.time(prefix))
                events.sessions.append(token)
        return events

    def finish(self) -> Events:
        return Events()

    def epoch(self, time: bytes) -> float | None:
        return orm_lines.epoch(time)

    def minute(self, time: bytes) -> bytes:
        return orm_lines.minute(time)

    def session(self, session: bytes) -> Session:
        return Session()

    def identity(self, session: bytes) -> bytes:
        """The logging_token, which an application may give its connections."""
        return session

    def _parameters(self, message: bytes) -> tuple[bool, bytes, bytes]:
        """Whether a message has parameters, its token, and the message without both."""
        token = b""
        if (found := _TOKEN.match(message)) and not _PARAMETERS.match(message):
            token, message = found[1], message[found.end() :]
        if cache := _PARAMETERS.match(message):
            return True, token, message[cache.end() :].strip()
        return self._old and message[:1] in (b"(", b"{", b"["), token, message


class SqlalchemyEcho:
    """sqlalchemy.engine at INFO."""

    name = "sqlalchemy"

    def fits(self, head: bytes) -> float:
        shape = Shape.of(head)
        if shape is None:
            return 0.0
        events = SqlalchemyReader(head, shape).read(head[: head.rfind(b"\n") + 1] or head)
        return 1 - events.unparsed / max(events.lines, 1) if events.texts else 0.0

    def reader(self, head: bytes, prefix: str | None) -> Reader:
        return SqlalchemyReader(head, Shape.of(head) or Shape(b"", b" "))


FORMAT = SqlalchemyEcho()
