"""PostgreSQL's jsonlog (15 and later): blocks of one JSON object a line come in, columns of executions go out.

PostgreSQL writes its keys in a fixed order, so one pattern matches one line; objects with other keys or another order (log
shippers rewrite them) go through the json module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from perfkit.collectors.sqllog.interface import Events, Reader
from perfkit.collectors.sqllog.postgres_blocks import DURATION, Patterns, read_block
from perfkit.collectors.sqllog.postgres_clock import Clock
from perfkit.collectors.sqllog.postgres_cloud import carries_text, reader_of_text
from perfkit.collectors.sqllog.postgres_records import Conversations
from perfkit.model.sqllog import Session

_INSIDE = rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_SIMPLE = rb'[^"\\\n]*+'
_PARTS = {
    b"inside": _INSIDE,
    b"simple": _SIMPLE,
    b"skipped": (_SIMPLE + rb'"') * 16,
    b"duration": DURATION,
    b"session": rb'(?:,"user":"%(in)s")?(?:,"dbname":"%(in)s")?,"pid":\d+(?:,"remote_host":"%(in)s")?(?:,"remote_port":\d+)?'
    rb',"session_id":"[0-9a-f.]+"' % {b"in": _INSIDE},
    b"place": rb'"line_num":\d+(?:,"ps":"%(in)s")?(?:,"session_start":"[^"\n]*")?(?:,"vxid":"[^"\n]*")?(?:,"txid":\d+)?'
    % {b"in": _INSIDE},
    b"application": rb'((?:,"application_name":"%s")?)' % _INSIDE,
    b"rest": rb'(?:,"(?:backend_type|leader_pid|query_id)":(?:"[^"\\\n]*"|-?\d+))*+\}(?:\r?\n|\Z)',
}
_START = rb'^\{"timestamp":"([^"\\\n]*)"(%(session)s),%(place)s,"error_severity":' % _PARTS
# The common record, all of it in few steps: what lies between its session and its message is counted by quotes.
_PLAIN = (
    rb'^\{"timestamp":"([^"\\\n]++)"(,"user":"%(simple)s","dbname":"%(simple)s","pid":\d++,"remote_host":"%(simple)s"'
    rb'(?:,"remote_port":\d++)?,"session_id":"[0-9a-f.]++"),"line_num"%(skipped)s:"LOG",'
    rb'"message":"%(duration)s(%(inside)s)"(?:,"detail":"(%(inside)s)")?%(application)s,"backend_type":[^\n]*+(?:\n|\Z)'
) % _PARTS
_WHOLE = (
    _START
    + (
        rb'"(\w+)"(?:,"state_code":"\w+")?(?:,"message":"(%(inside)s)")?(?:,"detail":"(%(inside)s)")?(?:,"hint":"%(inside)s")?'
        rb'(?:,"internal_query":"%(inside)s")?(?:,"internal_position":\d+)?(?:,"context":"(%(inside)s)")?'
        rb'(?:,"statement":"(%(inside)s)")?(?:,"cursor_position":\d+)?(?:,"func_name":"%(inside)s")?(?:,"file_name":"%(inside)s")?'
        rb'(?:,"file_line_num":\d+)?%(application)s%(rest)s'
    )
    % _PARTS
)
_OTHER = _WHOLE.replace(b"(?:", b"(").replace(b"(", b"(?:")
_JUNK = rb"|(^(?:[^\n]+\n?|\n))"


_PIECE = re.compile(
    rb'(?:,"user":"(%(in)s)")?(?:,"dbname":"(%(in)s)")?,"pid":\d+(?:,"remote_host":"(%(in)s)")?(?:,"remote_port":\d+)?'
    rb',"session_id":"([0-9a-f.]+)"(?:,"application_name":"(%(in)s)")?' % {b"in": _INSIDE}
)
# PostgreSQL's names in the order in which it writes them, and those of its csvlog, which CloudNativePG's JSON has.
_NAMES = (
    ("timestamp", "log_time"), ("user", "user_name"), ("dbname", "database_name"), ("pid", "process_id"),
    ("remote_host", "connection_from"), ("session_id", ""), ("line_num", "session_line_num"), ("error_severity", ""),
    ("message", ""), ("detail", ""), ("context", ""), ("statement", "query"), ("application_name", ""),
)  # fmt: skip
_NEEDED = frozenset({"timestamp", "error_severity", "message"})


class JsonReader:
    system = "postgresql"
    minute_length = 16

    def __init__(self) -> None:
        self._conversations = Conversations()
        self.epoch = Clock().epoch

    @property
    def ordered(self) -> bool:
        return self._conversations.ordered

    def begin(self, block: bytes) -> int:
        return block.find(b"\n{") + 1 or -1

    def cut(self, block: bytes, last: bool) -> int:
        return len(block) if last else block.rfind(b"\n") + 1

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
        user, database, host, _, application = (
            field.decode("utf-8", "replace") for field in _unescaped(found.groups(b""))
        )
        return Session(user, database, application, host)

    def identity(self, session: bytes) -> bytes:
        found = _PIECE.fullmatch(session)
        return found[4] if found else b""


class JsonFormat:
    """Objects that are records, and objects that have the log's text in them (see postgres_cloud)."""

    name = "postgres-json"

    def fits(self, head: bytes) -> float:
        if head[:1] != b"{":
            return 0.0
        return _are_records(head) or carries_text(head)

    def reader(self, head: bytes, prefix: str | None) -> Reader:
        """`prefix` is only for objects with text: records have names for all."""
        return JsonReader() if _are_records(head) or not carries_text(head) else reader_of_text(head, prefix)


def _are_records(head: bytes) -> float:
    events = JsonReader().read(head[: head.rfind(b"\n") + 1] or head)
    return 1 - events.unparsed / max(1, events.lines)


def _unescaped(column: Sequence[bytes]) -> Sequence[bytes]:
    """One pass over all of them. JSON escapes control characters, so that two of them are free to stand for something."""
    joined = b"\0".join(column)
    if b"\\" not in joined:
        return column
    if b"\1" in joined:
        return [_string(text) for text in column]
    joined = joined.replace(b"\\\\", b"\1").replace(b'\\"', b'"').replace(b"\\n", b"\n").replace(b"\\t", b"\t")
    plain = joined.split(b"\0")
    if len(plain) != len(column):
        return [_string(text) if b"\\" in text else text for text in column]
    if b"\\" not in joined:
        return joined.replace(b"\1", b"\\").split(b"\0")
    return [
        _string(text) if b"\\" in one else one.replace(b"\1", b"\\") for text, one in zip(column, plain, strict=True)
    ]


def _string(inside: bytes) -> bytes:
    """What a JSON string stands for, without NULs, or the string itself where it is none."""
    try:
        value = json.loads('"' + inside.decode("utf-8", "surrogateescape") + '"', strict=False)
        return str(value).replace("\0", "").encode("utf-8", "surrogateescape")
    except ValueError:
        return inside


def _in_order(line: bytes) -> bytes:
    """The same record as PostgreSQL would have written it; the line itself where it is no record."""
    try:
        document: Any = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if isinstance(document, dict) and isinstance(document.get("record"), dict):
        document = document["record"]
    if not isinstance(document, dict):
        return line
    found = {name: document.get(name, document.get(other)) for name, other in _NAMES}
    texts = {name: str(value) for name, value in found.items() if value not in (None, "")}
    if not texts.keys() >= _NEEDED:
        return line
    pid, number = (int(texts.get(name, "")) if texts.get(name, "").isdecimal() else 0 for name in ("pid", "line_num"))
    session = texts.get("session_id", "")
    ordered = {
        **texts,
        "pid": pid,
        "line_num": number,
        "session_id": session if _SESSION_ID.fullmatch(session) else f"{pid:x}",
    }
    text = json.dumps(
        {name: ordered[name] for name, _ in _NAMES if name in ordered}, ensure_ascii=False, separators=(",", ":")
    )
    return text.encode("utf-8", "replace") + b"\n"


_SESSION_ID = re.compile(r"[0-9a-f.]+")
_PATTERNS = Patterns(
    re.compile(_PLAIN + rb"|(%b)" % _OTHER + _JUNK, re.MULTILINE),
    re.compile(_WHOLE + _JUNK, re.MULTILINE),
    _unescaped,
    _in_order,
)
FORMAT = JsonFormat()
