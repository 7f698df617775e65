"""PostgreSQL's csvlog: blocks of comma-separated records come in, columns of executions go out.

Columns by position, 23 in PostgreSQL 9.6, a backend type from 13, leader and query id from 14 (PostgreSQL's documentation,
20.8.4). One pattern matches one record, over as many lines as it has; what it does not match is junk, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfkit.collectors.sqllog.interface import Events
from perfkit.collectors.sqllog.postgres_blocks import DURATION, Patterns, read_block
from perfkit.collectors.sqllog.postgres_clock import Clock
from perfkit.collectors.sqllog.postgres_records import Conversations
from perfkit.model.sqllog import Session

_TAIL = 1 << 16
_INSIDE = rb'[^"]*+(?:""[^"]*+)*+'
_ANY = rb'(?:"%s"|[^",\r\n]*+)' % _INSIDE
_PARTS = {
    b"any": _ANY,
    b"text": rb'(?:"(%s)")?' % _INSIDE,
    b"time": rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^,\"\n]{0,40}",
    # User, database, process, client, session; then line, command, start of the session, transactions.
    b"session": rb"%(any)s,%(any)s,\d+,%(any)s,[0-9a-f]+\.[0-9a-f]+" % {b"any": _ANY},
    b"place": rb"\d+,%(any)s,[^,\"\n]*,[^,\"\n]*,\d*" % {b"any": _ANY},
    b"application": rb'(,(?:"%s")?)' % _INSIDE,
    b"rest": rb"(?:,%(any)s)*+(?:\r?\n|\Z)" % {b"any": _ANY},
    b"duration": DURATION,
    b"inside": _INSIDE,
}
# Message, detail, hint, internal query and its position, context, query and its position, location.
_WHOLE = (
    rb"^(%(time)s),(%(session)s),%(place)s,(\w+),\w*,%(text)s,%(text)s,%(any)s,%(any)s,\d*,%(text)s,%(text)s,\d*,%(any)s"
    rb"%(application)s%(rest)s"
) % _PARTS
# The common record, all of it in few steps: what is quoted has no quote in it but the statement and its parameters.
_PLAIN = (
    rb'^(\d[^,"\n]{18,60}),("[^"\n]*+","[^"\n]*+",\d++,"[^"\n]*+",[0-9a-f.]++),\d++,"[^"\n]*+",[^"\n]*+"(?<=,LOG,00000,")'
    rb'%(duration)s(%(inside)s)",%(text)s,,,,,,,%(application)s[^\n]*+(?:\n|\Z)'
) % _PARTS
_OTHER = _WHOLE.replace(b"(?:", b"(").replace(b"(", b"(?:")
# Where a record begins. In a quoted text quotes come in pairs, so a field that begins with an odd number of them cannot stand
# there, whatever a statement says. The server's own processes have no user: their records are told by the quotes before them.
_USER = rb'"(?:"")*+[^"\n](?:[^"\n]|"")*+"'
_START = re.compile(
    rb"^%(time)s,(%(user)s|),(?:%(user)s|),\d+,(?:\"[^\"\n]*\"|),[0-9a-f]+\.[0-9a-f]+,\d+,"
    % {b"time": _PARTS[b"time"], b"user": _USER},
    re.MULTILINE,
)
_PIECE = re.compile(rb"%(text)s,%(text)s,\d+,%(text)s,([0-9a-f.]+),%(text)s" % _PARTS)


def _undoubled(column: Sequence[bytes]) -> Sequence[bytes]:
    """One call for all of them: few have a quote, or all have."""
    joined = b"\0".join(column)
    if b'""' not in joined:
        return column
    single = joined.replace(b'""', b'"').split(b"\0")
    return single if len(single) == len(column) else [text.replace(b'""', b'"') for text in column]


_JUNK = rb"|(^(?:[^\n]+\n?|\n))"
_PATTERNS = Patterns(
    re.compile(_PLAIN + rb"|(%b)" % _OTHER + _JUNK, re.MULTILINE), re.compile(_WHOLE + _JUNK, re.MULTILINE), _undoubled
)


class CsvReader:
    system = "postgresql"
    minute_length = 16

    def __init__(self) -> None:
        self._conversations = Conversations()
        self.epoch = Clock().epoch

    @property
    def ordered(self) -> bool:
        return self._conversations.ordered

    def begin(self, block: bytes) -> int:
        for found in _START.finditer(block):
            if found[1]:
                return found.start()
        return -1

    def cut(self, block: bytes, last: bool) -> int:
        if last:
            return len(block)
        window = _TAIL
        while True:
            start = max(0, len(block) - window)
            found = list(_START.finditer(block, start))
            end = next((match.start() for match in reversed(found) if match[1]), 0)
            if end or not start:
                return end or _last_outside(block, start, found)
            window *= 8

    def read(self, block: bytes) -> Events:
        return read_block(block, _PATTERNS, self._conversations)

    def finish(self) -> Events:
        return self._conversations.finish()

    def minute(self, time: bytes) -> bytes:
        return time[:16]

    def session(self, session: bytes) -> Session:
        found = _PIECE.fullmatch(session)
        if found is None:
            return Session()
        user, database, client, _, application = (
            field.decode("utf-8", "replace") for field in _undoubled(found.groups(b""))
        )
        return Session(user, database, application, client.rpartition(":")[0] or client)

    def identity(self, session: bytes) -> bytes:
        found = _PIECE.fullmatch(session)
        return found[4] if found else b""


def _last_outside(block: bytes, start: int, found: list[re.Match[bytes]]) -> int:
    """The last beginning that is in no quoted text: of a log in which nobody is a user."""
    quotes, at, end = block.count(b'"', 0, start), start, 0
    for match in found:
        quotes += block.count(b'"', at, match.start())
        at = match.start()
        end = end if quotes % 2 else at
    return end


class CsvFormat:
    name = "postgres-csv"

    def fits(self, head: bytes) -> float:
        reader = CsvReader()
        whole = head[: reader.cut(head, last=False)]
        if not whole:
            return 1.0 if _START.match(head) else 0.0
        events = reader.read(whole)
        return 1 - events.unparsed / max(1, events.lines)

    def reader(self, head: bytes, prefix: str | None) -> CsvReader:
        """`prefix` says nothing here: the columns are fixed."""
        return CsvReader()


FORMAT = CsvFormat()
