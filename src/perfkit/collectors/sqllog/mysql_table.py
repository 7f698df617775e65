"""The table mysql.slow_log as text: the CSV engine's own file, `SELECT … INTO OUTFILE`, an export in the quoting of RFC 4180, or the
tab-separated output of `mysql -B`. Blocks of bytes come in, columns of executions go out.

Source of the columns: https://dev.mysql.com/doc/refman/8.4/en/log-destinations.html, https://mariadb.com/kb/en/mysqlslow_log-table/.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfkit.collectors.sqllog import mysql_clock
from perfkit.collectors.sqllog.interface import Events, Reader
from perfkit.model.sqllog import Session

_COLUMNS = ["start_time", "user_host", "query_time", "lock_time", "rows_sent", "rows_examined", "db"]
_COLUMNS += ["last_insert_id", "insert_id", "server_id", "sql_text", "thread_id", "rows_affected"]
_NEEDED = {"start_time", "query_time", "sql_text"}
_NUMBERS = {"rows_sent", "rows_examined", "last_insert_id", "insert_id", "server_id", "thread_id", "rows_affected"}
_MOMENT = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?"
_SPAN = rb"\d{1,3}:\d\d:\d\d(?:\.\d{1,6})?"
_DOUBLED = re.compile(rb'[^,;\t\n"\\]""[^,;\t\n"]')
_ACCOUNT = rb'"?[^\n"\[]{0,100}\[[^\n\]]{0,100}\] @ '
_SPAN_PARTS = re.compile(rb"(\d+):(\d\d):(\d\d)(?:\.(\d+))?\Z")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MEANT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"", b"Z": b"\x1a", b"b": b"\b"}
_HEX = re.compile(rb"0x(?:[0-9A-Fa-f]{2})+\Z")


class Layout:
    """How one file has the table. `columns` by their names, as the header has them, or as many of the table's as records have."""

    def __init__(self, columns: Sequence[str], separator: bytes, doubled: bool) -> None:
        self.columns = columns
        self.doubled = doubled
        inside = rb'[^"]*+(?:""[^"]*+)*+' if doubled else rb'[^"\\]*+(?:\\[\s\S][^"\\]*+)*+'
        bare = (
            rb"[^%s\n]*+" % separator if doubled else rb"[^%s\n\\]*+(?:\\[\s\S][^%s\n\\]*+)*+" % (separator, separator)
        )
        text = bare if separator == b"\t" else rb'(?:"' + inside + rb'"|(?!")' + bare + rb")"
        fields = [
            rb'"?(?P<%s>%s)"?' % (name.encode(), _shape(name) or text)
            if _shape(name)
            else rb"(?P<%s>%s)" % (name.encode(), text)
            for name in columns
        ]
        whole = separator.join(fields)
        self.record = re.compile(whole + rb"\r?(?:\n|\Z)")
        self.records = re.compile(rb"(?:" + whole + rb"\r?|(?P<odd>[^\n]*+))(?:\n|\Z)")
        first = fields[0] + separator + _ACCOUNT if columns[1:2] == ["user_host"] else fields[0]
        self.start = re.compile(first)

    @classmethod
    def of(cls, head: bytes) -> Layout | None:
        """By the header, or by what the first record looks like; None of what is no such table."""
        first, _, rest = head.partition(b"\n")
        separator = next((mark for mark in (b"\t", b",", b";") if mark in first), b"")
        if not separator:
            return None
        doubled = separator != b"\t" and _DOUBLED.search(head) is not None
        names = [name.strip(b'"` \r').lower().decode("latin-1") for name in first.split(separator)]
        if set(names) >= _NEEDED:
            known = all(re.fullmatch(r"[a-z]\w*", name) for name in names) and len(set(names)) == len(names)
            return cls(names, separator, doubled) if known else None
        for count in (13, 12, 11):
            layout = cls(_COLUMNS[:count], separator, doubled)
            if layout.record.match(head) or layout.record.match(rest):
                return layout
        return None


def _shape(name: str) -> bytes:
    """What a column of that name has to look like; nothing for text."""
    if name == "start_time":
        return _MOMENT
    if name in ("query_time", "lock_time"):
        return _SPAN
    return rb"\d+|NULL|\\N|" if name in _NUMBERS else b""


class MysqlTableReader:
    def __init__(self, layout: Layout) -> None:
        self.system = "mariadb" if "rows_affected" in layout.columns else "mysql"
        self.remarks = ["The table has times in the server's time zone, which it does not name: they are taken as UTC."]
        self._layout = layout
        self._names = list(layout.records.groupindex)
        self._header = b"start_time"

    def cut(self, block: bytes, last: bool) -> int:
        if last:
            return len(block)
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            if self._layout.start.match(block, at + 1, at + 2048):
                return at + 1
        return 0

    def read(self, block: bytes) -> Events:
        events = Events(lines=block.count(b"\n") + (not block.endswith(b"\n") and bool(block)))
        rows = self._layout.records.findall(block)
        known = [row for row in rows if row[0] or row[1]]
        odd = [row[-1] for row in rows if row[-1].strip(b"\r ") and self._header not in row[-1]]
        events.unparsed, events.examples = len(odd), odd[:3]
        if known:
            named = dict(zip(self._names, zip(*known, strict=True), strict=True))
            columns = {name: list(column) for name, column in named.items() if name != "odd"}
            self._columns(columns, events)
        return events

    def finish(self) -> Events:
        return Events()

    def epoch(self, time: bytes) -> float | None:
        return mysql_clock.epoch(time)

    def minute(self, time: bytes) -> bytes:
        return mysql_clock.minute(time)

    def session(self, session: bytes) -> Session:
        return mysql_clock.session(session)

    def identity(self, session: bytes) -> bytes:
        return mysql_clock.connection(session)

    def _columns(self, columns: dict[str, list[bytes]], events: Events) -> None:
        events.texts = [_statement(self._text(field)) for field in columns["sql_text"]]
        events.times = columns["start_time"]
        events.micros = [_micros(span) for span in columns["query_time"]]
        events.locked = [_micros(span) for span in columns.get("lock_time", ())]
        events.rows_sent = _numbers(columns.get("rows_sent", ()))
        events.rows_examined = _numbers(columns.get("rows_examined", ()))
        events.rows_affected = _numbers(columns.get("rows_affected", ()))
        empty = [b""] * len(events.texts)
        who = (columns.get(name, empty) for name in ("user_host", "thread_id", "db"))
        known: dict[tuple[bytes, bytes, bytes], bytes] = {}
        for key in zip(*who, strict=True):
            if key not in known:
                known[key] = _session(self._text(key[0]), key[1], self._text(key[2]))
            events.sessions.append(known[key])

    def _text(self, field: bytes) -> bytes:
        quoted = field[:1] == b'"' == field[-1:] and len(field) > 1
        inside = field[1:-1] if quoted else field
        if self._layout.doubled:
            return inside.replace(b'""', b'"') if quoted else inside
        if b"\\" not in inside:
            return inside
        return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), inside)


def _statement(text: bytes) -> bytes:
    """The column is a BLOB, which clients may show as hexadecimal digits."""
    if text.startswith(b"0x") and _HEX.match(text):
        text = bytes.fromhex(text[2:].decode("ascii")).replace(b"\0", b"")
    return text.rstrip(b"; \r\n\t")


def _micros(span: bytes) -> int:
    found = _SPAN_PARTS.match(span)
    if found is None:
        return 0
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3])
    return (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + int((found[4] or b"0").ljust(6, b"0"))


def _numbers(column: Sequence[bytes]) -> list[int]:
    return [int(field) if field.isdigit() else 0 for field in column]


def _session(user: bytes, thread: bytes, database: bytes) -> bytes:
    schema = b"  Schema: " + database.replace(b"\n", b" ") if database not in (b"", b"NULL", b"N") else b""
    return user + b"\n# Thread_id: " + thread + schema


class MysqlTable:
    """mysql.slow_log of MySQL and MariaDB, exported."""

    name = "mysql-table"

    def fits(self, head: bytes) -> float:
        layout = Layout.of(head)
        if layout is None:
            return 0.0
        whole = head[: head.rfind(b"\n") + 1]
        reader = MysqlTableReader(layout)
        events = reader.read(whole[: reader.cut(whole, False)])
        if not events.texts:
            events = reader.read(whole)
        return 1 - events.unparsed / max(events.lines, 1) if events.lines else 0.0

    def reader(self, head: bytes, prefix: str | None) -> Reader:
        layout = Layout.of(head)
        return MysqlTableReader(layout or Layout(_COLUMNS, b",", False))


FORMAT = MysqlTable()
