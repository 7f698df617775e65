"""Records of MySQL's and MariaDB's slow logs: a block's bytes come in, one tuple of raw columns a record goes out.

Two patterns take the shapes that servers of today write, one record a match, without Python for a line. A record of another shape
(Percona Server, MySQL 5.0, no `SET timestamp`, administrator commands) matches `odd` as a whole, and `exact` takes it apart.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from perfkit.collectors.sqllog.possessive import possessive


class Row(NamedTuple):
    """A record, all of it bytes of the log. `told` and `disk` are header pieces in which flags are looked up; `time` is the number
    of `SET timestamp`, or else what stands after `# Time:`. A record of another shape is all `text`, and its `query` is empty."""

    session: bytes
    query: bytes
    lock: bytes
    sent: bytes
    examined: bytes
    affected: bytes
    errno: bytes
    told: bytes
    disk: bytes
    explain: bytes
    use: bytes
    time: bytes
    text: bytes


# What begins a record: a run of header lines up to Query_time. One such line alone may stand in a statement's string.
_REST = rb"(?:# Query_time: +\d|" + possessive(rb"# (?!Query_time)[^\n]*\n", b"{1,4}") + rb"# Query_time: +\d)"
START = rb"# (?:Time: [^\n]*(?:\n# | # )|)User@Host: [^\n]*\n" + _REST
# Servers that are told to leave out the user (--log-short-format), and files that tools wrote.
SHORT_START = rb"# (?:(?:Time|Client|Thread_id|Schema): [^\n]*\n" + _REST + rb"|Query_time: +\d)"
BANNER = rb"(?:/|[A-Za-z]:\\|(?:bin/)?mysqld|mariadbd)[^\n]{0,300}?, Version: [^\n]{0,300}\n(?:Tcp|TCP) [Pp]ort: "

# `(?:...|)`, not `(?:...)?`: a branch costs the matcher half of what a repetition does.
_SET = rb"SET (?:last_insert_id=\d+,|)(?:insert_id=\d+,|)timestamp=(?P<time>\d+)[.\d]*;\n"

_MARIADB = (
    rb"(?:# Time: [^\n]*\n|)"
    rb"# User@Host: (?P<session>[^\n]*\n# Thread_id: \d+  Schema: [^\s]*+)  QC_hit: (?:No|Yes)\n"
    rb"# Query_time: (?P<query>\d+\.\d{6})  Lock_time: (?P<lock>\d+\.\d{6})  Rows_sent: (?P<sent>\d+)  Rows_examined: (?P<examined>\d+)\n"
    rb"(?:# Rows_affected: (?P<affected>\d+)[^\n]*\n|)"
    rb"(?:# Pages_accessed: [^\n]*\n# Pages_read_time: [^\n]*\n|)"
    rb"(?:# Tmp_tables: [^\n]*\n|)"
    rb"(?:# (?P<told>Full_scan: [^\n]*\n# Filesort: (?:No|Yes)  Filesort_on_disk: (?:No|Yes))[^\n]*\n|)"
    rb"(?P<explain>#\n(?:# explain: [^\n]*\n)++(?:#\n|)|)"
    rb"(?:use [^\n]*;\n|)" + _SET
)
_MYSQL = (
    rb"(?:# Time: [^\n]*\n|)"
    rb"# User@Host: (?P<session>[^\n]*)\n"
    rb"# Query_time: (?P<query>\d+\.\d{6})  Lock_time: (?P<lock>\d+\.\d{6}) Rows_sent: (?P<sent>\d+)  Rows_examined: (?P<examined>\d+)(?P<affected>)"
    rb"(?: Thread_id: \d+ Errno: (?P<errno>\d+)(?: [A-RT-Z]\w+: \d+)*+ (?P<told>Sort_merge_passes: \d+)(?: S\w+: \d+)*+"
    rb" (?P<disk>Created_tmp_disk_tables: \d+)[^\n]*|)\n"
    rb"(?:use (?P<use>[^\n]*);\n|)" + _SET
)


def records(system: str, short: bool) -> re.Pattern[bytes]:
    """What `split` takes a whole block apart with, every byte of it in one match. Its groups are some of `Row`'s."""
    stop = rb"(?!" + (SHORT_START if short else START) + rb"|" + BANNER + rb")"
    lead = (
        rb"(?:Time|Client|Thread_id|Schema): [^\n]*\n(?=# )"
        if short
        else rb"(?:Time|User@Host): [^\n]*\n(?=# User@Host: )"
    )
    headers = possessive(rb"# " + lead, b"{0,4}")
    lines = rb"(?:(?=# )" + headers + rb"|)[^\n]*+" + possessive(rb"\n" + stop + rb"[^\n]*+")
    shape = _MARIADB if system == "mariadb" else _MYSQL
    return re.compile(rb"(?:" + shape + rb"|)(?P<text>" + lines + rb")(?:\n|\Z)")


_ODD = re.compile(
    rb"(?P<headers>" + possessive(rb"#(?! administrator command: )[^\n]*\n") + rb")"
    rb"(?:use (?P<use>[^\n]*);\r?\n(?=.))?"
    rb"(?:SET (?:(?:last_insert_id|insert_id)=\d+,)*timestamp=(?P<time>\d+)[.\d]*;\r?\n)?"
    rb"(?P<text>.*)",
    re.DOTALL,
)
_CLOCK = re.compile(rb"# Time: ([^\n#]*)")
_USER = re.compile(rb"# User@Host: ([^\n]*)")
_FIELD = re.compile(rb"([A-Za-z]\w*):[ \t]+([^\s:]+)(?=\s)")
_EXPLAIN = re.compile(rb"# explain: [^\n]*\n")


def exact(record: bytes) -> tuple[Row, int] | None:
    """A whole record of whatever shape, and the microseconds for which it waited for row locks; None of what has no Query_time."""
    parts = _ODD.match(record)
    if parts is None:
        return None
    headers = parts["headers"].replace(b"\r\n", b"\n")
    user, clock = _USER.search(headers), _CLOCK.search(headers)
    fields: dict[bytes, bytes] = dict(_FIELD.findall(_USER.sub(b"", headers)))
    query = micros(fields.get(b"Query_time", b""))
    if query is None:
        return None
    text = parts["text"]
    row = Row(
        session=_session(user[1].strip() if user else b"", fields),
        query=_seconds(query),
        lock=_seconds(micros(fields.get(b"Lock_time", b"")) or 0),
        sent=_digits(fields.get(b"Rows_sent", b"")) or b"0",
        examined=_digits(fields.get(b"Rows_examined", b"")) or b"0",
        affected=_digits(fields.get(b"Rows_affected", b"")),
        errno=_digits(fields.get(b"Last_errno") or fields.get(b"Errno", b"")),
        told=b"  ".join(b"%s: %s" % (name, fields[name]) for name in FLAGS if name in fields),
        disk=b"",
        explain=b"".join(_EXPLAIN.findall(headers)),
        use=parts["use"] or b"",
        time=parts["time"] or (clock[1].strip() if clock else b""),
        text=text.removeprefix(b"# ") if text.startswith(b"# administrator command: ") else text,
    )
    return row, micros(fields.get(b"InnoDB_rec_lock_wait", b"")) or 0


FLAGS = {
    b"Full_scan": "full_scan",
    b"Full_join": "full_join",
    b"Tmp_table_on_disk": "tmp_table_on_disk",
    b"Tmp_disk_tables": "tmp_table_on_disk",
    b"Created_tmp_disk_tables": "tmp_table_on_disk",
    b"Filesort_on_disk": "filesort_on_disk",
    b"Merge_passes": "filesort_on_disk",
    b"Sort_merge_passes": "filesort_on_disk",
    b"No_index_used": "no_index_used",
}
"""Attributes that say Yes, or a number above 0, by the flag that this raises."""


def flags(piece: bytes) -> frozenset[str]:
    """The flags that a header piece raises."""
    said = _FIELD.findall(piece + b"\n")
    return frozenset(FLAGS[name] for name, value in said if name in FLAGS and value != b"No" and value.strip(b"0"))


_TIME = re.compile(rb"(\d{1,18})(?:\.(\d{1,9}))?\Z")


def micros(seconds: bytes) -> int | None:
    """Whole microseconds of `2`, `2.5` or `2.000001`; None of anything else."""
    found = _TIME.match(seconds)
    if found is None:
        return None
    return int(found[1]) * 1_000_000 + int((found[2] or b"0")[:6].ljust(6, b"0"))


def _seconds(value: int) -> bytes:
    return b"%d.%06d" % divmod(value, 1_000_000)


def _digits(value: bytes) -> bytes:
    return value if value.isdigit() and len(value) <= 20 else b""


def _session(user: bytes, fields: dict[bytes, bytes]) -> bytes:
    """As the lines of MariaDB have it, the schema last."""
    names = [(name, fields[name]) for name in (b"Thread_id", b"Schema") if name in fields]
    return user + (b"\n# " + b"  ".join(b"%s: %s" % pair for pair in names) if names else b"")
