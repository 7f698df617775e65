"""Logs of real servers as syslog and shippers of logs carry them: the same digests as of the log itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.postgres_json import FORMAT as JSON
from perfkit.collectors.sqllog.postgres_syslog import FORMAT as SYSLOG
from perfkit.collectors.sqllog.postgres_syslog import SyslogUnpacker
from perfkit.collectors.sqllog.reading import read_logs
from perfkit.model.sqllog import SqlLog
from sql_logs import PLANS, PostgresLogs, postgres_logs

PREFIX = "[%p] user=%u,db=%d,app=%a,client=%h "
RDS = "%t:%r:%u@%d:[%p]:"
LATER = re.compile(rb"(DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):  ")
LIMIT = 900
HEADERS: dict[str, Callable[[bytes], bytes]] = {
    "RFC 3164": lambda pid: b"Nov  1 20:06:26 db-1 postgres[%b]: " % pid,
    "RFC 3164 with priority": lambda pid: b"<134>Nov  1 20:06:26 db-1 postgres[%b]: " % pid,
    "ISO time": lambda pid: b"2026-11-01T20:06:26.123456+01:00 db-1 postgres[%b]: " % pid,
    "RFC 5424": lambda pid: b"<134>1 2026-11-01T20:06:26.123456Z db-1 postgres %b - - " % pid,
}


def records(log: Path) -> Iterator[tuple[bytes, bytes]]:
    """The process and all lines of each record of a log with `PREFIX`, without its process."""
    record, process = b"", b""
    for line in log.read_bytes().splitlines(keepends=True):
        found = re.match(rb"\[(\d+)\] ", line)
        if found and not LATER.search(line.partition(b"client=")[2][:60]):
            if record:
                yield process, record
            process, record = found[1], line[found.end() :]
        else:
            record += line[found.end() :] if found else line
    yield process, record


def parts(record: bytes) -> Iterator[bytes]:
    """What a server hands to syslog, piece by piece (write_syslog in PostgreSQL's elog.c)."""
    line = record.rstrip(b"\n")
    while line:
        if line[:1] == b"\n":
            line = line[1:]
            continue
        piece = line[:LIMIT].partition(b"\n")[0]
        if line[len(piece) : len(piece) + 1] and not line[len(piece) : len(piece) + 1].isspace():
            blank = max(piece.rfind(b" "), piece.rfind(b"\t"))
            piece = piece[:blank] if blank > 0 else piece.decode("utf-8", "ignore").encode()
        yield piece
        line = line[len(piece) :]


def as_syslog(log: Path, header: Callable[[bytes], bytes], numbers: bool = True) -> bytes:
    """With the lines of another program, and of another process in the middle of a record."""
    out = [b"Nov  1 20:00:00 db-1 sshd[99]: Accepted publickey\n"]
    for number, (process, record) in enumerate(records(log)):
        pieces = [piece.replace(b"\t", b"#011") for piece in parts(record)]
        for at, piece in enumerate(pieces):
            mark = b"[%d-%d] " % (number, at + 1) if len(pieces) > 1 else b"[%d] " % number
            out.append(header(process) + (mark if numbers else b"") + piece + b"\n")
            if at == 1:
                out.append(
                    header(b"1") + (b"[7-1] " if numbers else b"") + b"user=,db=,app=,client= LOG:  checkpoint\n"
                )
    return b"".join(out)


@pytest.fixture
def logs() -> PostgresLogs:
    return postgres_logs("15", prefix=PREFIX)


def same(log: SqlLog, expected: SqlLog) -> None:
    assert (log.events, log.micros) == (expected.events, expected.micros)
    assert log.digests.keys() == expected.digests.keys()
    for name, digest in log.digests.items():
        other = expected.digests[name]
        for field in (
            "users",
            "databases",
            "applications",
            "lock_waits",
            "temp_bytes",
            "errors",
            "preparing",
            "prepared",
        ):
            assert getattr(digest, field) == getattr(other, field), (name, field)
        assert digest.time == other.time


@pytest.mark.real
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("numbers", [True, False], ids=["numbers", "no numbers"])
def test_syslog_has_the_digests_of_the_log(logs: PostgresLogs, tmp_path: Path, header: str, numbers: bool) -> None:
    carried = tmp_path / "messages"
    carried.write_bytes(as_syslog(logs.stderr, HEADERS[header], numbers))
    log = read_logs([carried], LogOptions(prefix=PREFIX.removeprefix("[%p] ")))
    assert log.formats == ("postgres-syslog",)
    same(log, read_logs([logs.csvlog]))
    assert log.unparsed == 0
    if not header.startswith("RFC 3164"):
        hour = 19 if header == "ISO time" else 20
        assert log.first == log.last == datetime(2026, 11, 1, hour, 6, 26, 123_000, tzinfo=UTC).timestamp()


@pytest.mark.real
def test_syslog_in_small_blocks(logs: PostgresLogs) -> None:
    """A record's parts may lie in several blocks."""
    carried = as_syslog(logs.stderr, HEADERS["RFC 3164"])
    whole, small = SyslogUnpacker(), SyslogUnpacker()
    expected = whole.take(carried) + whole.rest()
    lines = carried.splitlines(keepends=True)
    found = b"".join(small.take(b"".join(lines[at : at + 3])) for at in range(0, len(lines), 3)) + small.rest()
    assert sorted(found.split(b"\n")) == sorted(expected.split(b"\n"))
    assert not whole.lost + small.lost


@pytest.mark.real
@pytest.mark.parametrize("key", ["textPayload", "log", "message", "properties"])
def test_logs_inside_json(tmp_path: Path, key: str) -> None:
    prefix = "%m [%p]: [%l-1] user=%u,db=%d "
    logs = postgres_logs("15", prefix=prefix, settings=PLANS)
    entries: list[str] = []
    for line in logs.stderr.read_text(encoding="utf-8").splitlines():
        if line.startswith("\t") and key != "log":
            entries[-1] += f"\n{line}"
        else:
            entries.append(line)
    documents = [
        {"properties": {"message": text}} if key == "properties" else {key: text, "insertId": "x"} for text in entries
    ]
    carried = tmp_path / "export.json"
    carried.write_text("".join(json.dumps(document) + "\n" for document in documents))
    log = read_logs([carried], LogOptions(prefix=prefix))
    expected = read_logs([logs.csvlog])
    for digest in expected.digests.values():
        digest.applications.clear()
    same(log, expected)
    assert log.formats == ("postgres-json",)


@pytest.mark.real
def test_the_prefix_of_rds_is_found(tmp_path: Path) -> None:
    logs = postgres_logs("15", prefix=RDS)
    log, expected = read_logs([logs.stderr]), read_logs([logs.csvlog])
    for digest in (*log.digests.values(), *expected.digests.values()):
        digest.applications.clear()
    same(log, expected)


def test_other_logs_are_neither() -> None:
    for head in (
        b"",
        b"\n",
        b"{}\n",
        b'{"a": 1}\n' * 4,
        b"Nov  1 20:06:26 db-1 sshd[12]: Accepted\n" * 9,
        b"\xff\x00{" * 50,
    ):
        assert SYSLOG.fits(head) == 0.0
        assert JSON.fits(head) == 0.0


def test_a_record_of_many_parts_takes_time_by_their_number() -> None:
    def took(parts: int) -> float:
        lines = [b"[1-%d] %b\n" % (at + 1, b"LOG:  statement: " if at == 0 else b"x" * LIMIT) for at in range(parts)]
        log = b"".join(HEADERS["RFC 3164"](b"1") + line for line in lines)
        unpacker, began = SyslogUnpacker(), process_time()
        assert len(unpacker.take(log) + unpacker.rest()) > (parts - 1) * LIMIT
        return process_time() - began

    assert took(16_000) < max(took(2_000), 0.005) * 30  # 8 times the parts; 64 times the time would be the square


HEAD = HEADERS["RFC 3164"](b"1") + b"[1-1] LOG:  duration: 1.000 ms  statement: SELECT 1\n"
PIECES = st.sampled_from(
    [HEAD, HEAD[:40], b"[1-2] #011", b"#012", b"#999", b"\n", b"DETAIL:  ", b"<999>", b"Feb 30 99:99:99 ", b"]: "]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=10)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_no_bytes_are_too_much_for_syslog(pieces: list[bytes]) -> None:
    reader = SYSLOG.reader(HEAD * 3, "")
    log = b"".join(pieces).replace(b"\0", b"")
    SYSLOG.fits(log)
    events = reader.read(log)
    rest = reader.finish()
    assert len(events.texts) + len(rest.texts) <= log.count(b"duration: ")


JSON_PIECES = st.sampled_from(
    [b'{"log": "', b'"}\n', b"{}", b"[", b"\\n", b'{"textPayload": 1}\n', b'{"properties": []}\n', b"\xff", b"\\ud800"]
)


@given(st.lists(st.one_of(JSON_PIECES, st.binary(max_size=10)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_no_bytes_are_too_much_for_json(pieces: list[bytes]) -> None:
    reader = JSON.reader(b'{"log": "LOG:  statement: SELECT 1"}\n', "")
    log = b"".join(pieces)
    JSON.fits(log)
    events = reader.read(log)
    assert events.unparsed <= max(1, len(log.splitlines()))
    reader.finish()
