"""csvlog and jsonlog of real servers: the same events, the same numbers, and what the servers themselves counted."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.interface import Events
from perfkit.collectors.sqllog.postgres_csv import FORMAT as CSV
from perfkit.collectors.sqllog.postgres_json import FORMAT as JSON
from perfkit.shared.sqltext import fingerprint
from sql_logs import PLANS, STATEMENT_THEN_DURATION, TEXT_PLANS, PostgresLogs, postgres_logs

VARIANTS = {
    "15": ("15", {}),
    "18": ("18", {}),
    "18 with plans": ("18", PLANS),
    "15 with plans as text": ("15", TEXT_PLANS),
    "18 with text and duration apart": ("18", STATEMENT_THEN_DURATION),
    "15 with plans above a limit only": ("15", {**PLANS, "log_min_duration_statement": "-1"}),
}
BLOCK = 20_000


@dataclass
class Read:
    """A whole log, with raw pieces already understood."""

    executions: list[tuple[str, int, float | None, Any]] = field(default_factory=list)
    prepares: Counter[bytes] = field(default_factory=Counter)
    parameters: list[bytes] = field(default_factory=list)
    plans: list[tuple[bytes, int]] = field(default_factory=list)
    incidents: list[tuple[Any, ...]] = field(default_factory=list)
    waiting: list[tuple[Any, ...]] = field(default_factory=list)
    unparsed: int = 0
    lines: int = 0
    ordered: bool = False


def read(log_format: Any, log: bytes, size: int = BLOCK) -> Read:
    reader = log_format.reader(log[:65536], None)
    found, rest = Read(), b""
    for start in range(0, len(log), size):
        block = rest + log[start : start + size]
        end = reader.cut(block, start + size >= len(log))
        assert 0 <= end <= len(block)
        rest = block[end:]
        if end:
            _add(found, reader, reader.read(block[:end]))
    assert not rest
    _add(found, reader, reader.finish())
    found.ordered = reader.ordered
    return found


def _add(found: Read, reader: Any, events: Events) -> None:
    columns = (events.texts, events.micros, events.times, events.sessions)
    for text, micros, time, session in zip(*columns, strict=True):
        found.executions.append((text.decode("utf-8", "replace"), micros, reader.epoch(time), reader.session(session)))
    found.prepares.update(events.prepares.texts)
    found.parameters += [parameters for _, parameters in sorted(events.parameters.items())]
    found.plans += [(events.texts[at], plan.micros) for at, plan in sorted(events.plans.items())]
    found.plans += [(text, plan.micros) for text, plan in events.early_plans]
    for some, into in ((events.incidents, found.incidents), (events.waiting, found.waiting)):
        into += [(i.kind, i.text, i.amount, i.what, reader.epoch(i.time), reader.session(i.session)) for i in some]
    found.unparsed += events.unparsed
    found.lines += events.lines


@pytest.fixture(params=VARIANTS)
def logs(request: pytest.FixtureRequest) -> PostgresLogs:
    version, changed = VARIANTS[request.param]
    return postgres_logs(version, settings=changed)


@pytest.mark.real
def test_two_formats_say_the_same(logs: PostgresLogs) -> None:
    assert logs.jsonlog is not None
    of_csv, of_json = read(CSV, logs.csvlog.read_bytes()), read(JSON, logs.jsonlog.read_bytes())
    for found in (of_csv, of_json):
        found.lines = 0
        # Of two sessions at once, the server may write one first into one file and the other first into the other.
        found.executions.sort(key=str)
        found.plans.sort()
    assert of_csv == of_json
    assert of_csv.unparsed == 0
    assert len(of_csv.executions) > 100
    assert {kind for kind, *_ in of_csv.incidents} == {"error", "lock-wait", "temp-file"}


@pytest.mark.real
@pytest.mark.parametrize("log_format", [CSV, JSON], ids=["csv", "json"])
def test_the_size_of_blocks_does_not_matter(log_format: Any) -> None:
    logs = postgres_logs("18", settings=PLANS)
    log = logs.csvlog.read_bytes() if log_format is CSV else (logs.jsonlog or logs.csvlog).read_bytes()
    whole = read(log_format, log, size=len(log))
    for size in (1_000, 7_777, 50_000):
        found = read(log_format, log, size)
        found.plans.sort()
        whole.plans.sort()
        assert found == whole


@pytest.mark.real
@pytest.mark.parametrize("variant", [name for name in VARIANTS if "only" not in name])
def test_executions_are_what_the_server_counted(variant: str) -> None:
    version, changed = VARIANTS[variant]
    logs = postgres_logs(version, settings=changed)
    found = read(CSV, logs.csvlog.read_bytes())
    ours = Counter((who.user, who.database, fingerprint(text, "postgresql")) for text, _, _, who in found.executions)
    theirs: Counter[tuple[str, str, str]] = Counter()
    for row in logs.counted:
        query = row.query.partition(" AS ")[2] if row.query.startswith("PREPARE") else row.query
        theirs[row.user, row.database, fingerprint(query, "postgresql")] += row.calls
    for counts in (ours, theirs):  # the server counts EXECUTE as what it executes, and these two or not, by its version
        for key in [key for key in counts if key[2].startswith(("prepare ", "deallocate "))]:
            del counts[key]
    assert ours == theirs
    took = sum(micros for _, micros, _, _ in found.executions)
    assert 0.95 < took / sum(row.micros for row in logs.counted) < 3  # a duration has parsing and planning too


@pytest.mark.real
def test_plans_are_no_executions_of_their_own() -> None:
    plain, planned = postgres_logs("18"), postgres_logs("18", settings=PLANS)
    texts = [
        Counter(fingerprint(text) for text, *_ in read(CSV, logs.csvlog.read_bytes()).executions)
        for logs in (plain, planned)
    ]
    assert texts[0] == texts[1]
    found = read(CSV, planned.csvlog.read_bytes())
    assert len(found.plans) > 150
    assert not found.ordered


@pytest.mark.real
def test_plans_count_where_nothing_else_says_that_a_statement_ran() -> None:
    version, changed = VARIANTS["15 with plans above a limit only"]
    found = read(CSV, postgres_logs(version, settings=changed).csvlog.read_bytes())
    assert len(found.plans) == len(found.executions)
    nested = "(SELECT sum(total) FROM orders WHERE customer_id = customer AND status = 'open')"
    assert nested not in {text for text, *_ in found.executions}
    assert found.ordered


@pytest.mark.real
def test_statements_are_as_they_were_sent() -> None:
    texts = {text for text, *_ in read(CSV, postgres_logs("15").csvlog.read_bytes()).executions}
    assert "SELECT 'two\tparts'" in texts
    assert "SELECT id -- the customer's\nFROM customers WHERE id = 7" in texts
    assert 'SELECT "Amount" AS "a ""quoted"" name" FROM "Order Items" WHERE id = 3' in texts
    assert "SELECT 'ünï', '東京', U&'\\0041'" in texts


@pytest.mark.real
def test_a_csvlog_may_begin_anywhere() -> None:
    log = postgres_logs("18", settings=TEXT_PLANS).csvlog.read_bytes()
    reader = CSV.reader(log, None)
    starts = range(0, len(log), 3_000)
    for start in starts:
        at = reader.begin(log[start:])
        if at >= 0:
            assert not reader.read(log[start + at :]).unparsed
    assert JSON.reader(b"", None).begin(b'ser":"x"}\n{"timestamp":') == 10


def test_formats_know_their_own() -> None:
    csvlog, jsonlog = _csv("statement: SELECT 1"), _json("statement: SELECT 1")
    assert CSV.fits(csvlog * 3) == 1.0
    assert JSON.fits(jsonlog * 3) == 1.0
    for head in (
        b"",
        b"\n",
        b"2026-01-01 00:00:00.000 UTC [1] LOG:  duration: 1.0 ms\n" * 5,
        b"\x00\xff" * 100,
        b"{}\n" * 5,
    ):
        assert CSV.fits(head) == 0.0
        assert JSON.fits(head) == 0.0
    assert CSV.fits(jsonlog) == 0.0
    assert JSON.fits(csvlog) == 0.0


@pytest.mark.parametrize("columns", [23, 24, 26])
def test_csvlog_of_every_version(columns: int) -> None:
    found = read(CSV, _csv("duration: 1.234 ms  statement: SELECT ''", columns))
    assert [(text, micros) for text, micros, *_ in found.executions] == [("SELECT ''", 1234)]
    (who,) = {who for *_, who in found.executions}
    assert (who.user, who.database, who.application, who.host) == ("web", "shop", 'the "app"', "::1")


@pytest.mark.parametrize("wrapped", [False, True])
def test_json_under_the_names_of_csvlog(wrapped: bool) -> None:
    """CloudNativePG's instance manager logs what it reads from a csvlog, one record in each of its own."""
    record = {
        "log_time": "2026-11-21 20:06:24.860 UTC", "user_name": "web", "database_name": "shop", "process_id": "77",
        "connection_from": "[local]", "session_id": "6b01f9c0.4d", "session_line_num": "4", "command_tag": "SELECT",
        "error_severity": "LOG", "sql_state_code": "00000", "message": "duration: 0.250 ms  execute <unnamed>: SELECT $1\n, 2",
        "detail": "Parameters: $1 = 'é'", "application_name": "web 1", "backend_type": "client backend",
    }  # fmt: skip
    other = {"level": "info", "logger": "pg_controldata", "msg": "WAL file not recycled"}
    document = {"level": "info", "ts": "2026-11-21T20:06:24Z", "logger": "postgres", "msg": "record", "record": record}
    line = json.dumps(document if wrapped else record).encode() + b"\n"
    found = read(JSON, line + json.dumps(other).encode() + b"\n" + line)
    assert [(text, micros) for text, micros, *_ in found.executions] == [("SELECT $1\n, 2", 250)] * 2
    assert found.parameters == ["$1 = 'é'".encode()] * 2
    assert {(who.user, who.database, who.application) for *_, who in found.executions} == {("web", "shop", "web 1")}
    assert found.unparsed == 1
    assert JSON.fits(line * 4) == 1.0


def test_what_was_cut_off_costs_one_record() -> None:
    """A server that crashed while it wrote: the quote never closes."""
    whole = _csv("duration: 1.000 ms  statement: SELECT 1")
    broken = _csv('duration: 1.000 ms  statement: SELECT\n"a", 1').partition(b", 1")[0]
    found = read(CSV, whole + broken + b"\n" + whole * 3, size=150)
    assert len(found.executions) == 4
    assert found.unparsed == 2


def test_plans_without_statements_do_not_pile_up() -> None:
    """A log with auto_explain's records only: what was read can be forgotten."""
    plan = "duration: 1.000 ms  plan:\nQuery Text: SELECT $1\nResult  (cost=0.00..0.01 rows=1)"
    reader = CSV.reader(b"", None)
    events = reader.read(_csv(plan) * 50)
    assert events.texts == [b"SELECT $1"] * 50
    assert len(events.plans) == 50
    assert not reader.finish().texts


def test_statements_that_look_like_a_log_are_one_statement() -> None:
    lie = (
        _csv("duration: 9.000 ms  statement: SELECT 'a lie'").decode()
        + '\n2026-01-01 00:00:00 UTC,,,1,,aa.bb,1,\n","",1,""'
    )
    lie = lie.replace('"', "'\"") + _csv("statement: x").decode()
    for make, log_format in ((_csv, CSV), (_json, JSON)):
        record = make(f"duration: 1.000 ms  statement: SELECT '{lie}'")
        for size in (100, 333, 5_000):
            assert [text for text, *_ in read(log_format, record * 7, size).executions] == [f"SELECT '{lie}'"] * 7


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(st.tuples(TEXTS, st.integers(0, 10**12)), max_size=12), st.integers(60, 3_000))
@settings(max_examples=60, deadline=None)
def test_any_statement_comes_back(statements: list[tuple[str, int]], size: int) -> None:
    for make, log_format in ((_csv, CSV), (_json, JSON)):
        log = b"".join(
            make(f"duration: {micros // 1000}.{micros % 1000:03} ms  statement: {text}") for text, micros in statements
        )
        assert [(text, micros) for text, micros, *_ in read(log_format, log, size).executions] == statements


PIECES = st.sampled_from(
    [
        b'"',
        b'""',
        b",",
        b"\n",
        b"\\",
        b"\\u",
        b"{",
        b"}",
        b'"message":"',
        b"duration: 1.000 ms  plan:\nQuery Text: ",
        b"\r",
        b"\xff",
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=8), st.integers(0, 400)), max_size=40), st.integers(1, 400))
@settings(max_examples=150, deadline=None)
def test_no_bytes_are_too_much(parts: list[bytes | int], size: int) -> None:
    """Whatever is written over a log: every line is read or counted, and nothing fails."""
    plans = "duration: 1.000 ms  plan:\nQuery Text: SELECT 1\nResult  (cost=0.00..0.01 rows=1)"
    for make, log_format in ((_csv, CSV), (_json, JSON)):
        log = bytearray(
            b"".join(make(text) for text in ("duration: 1.000 ms  statement: SELECT 1", plans, "statement: x")) * 2
        )
        at = 0
        for part in parts:
            if isinstance(part, int):
                at += part
            else:
                log[at : at + len(part)] = part
        found = read(log_format, bytes(log).replace(b"\0", b""), size)
        log_format.fits(bytes(log))
        assert found.unparsed <= found.lines


@pytest.mark.parametrize(
    "hostile", [b'"', b'""', b'",', b"\\", b'\\"', b"\n", b'\n"', b",", b"{", b'\n2026-01-01 00:00:00 UTC,"']
)
def test_time_grows_with_the_size_of_a_log_and_not_with_its_square(hostile: bytes) -> None:
    from time import process_time

    for log_format, start in (
        (CSV, _csv("duration: 1.000 ms  statement: ")[:-60]),
        (JSON, _json("duration: 1.000 ms")[:-60]),
    ):
        took = []
        for size in (60_000, 480_000):
            log = start + hostile * (size // len(hostile))
            began = process_time()
            reader = log_format.reader(log[:1000], None)
            reader.cut(log, False)
            reader.begin(log)
            reader.read(log)
            took.append(process_time() - began)
        assert took[1] < max(took[0], 0.005) * 30  # 8 times the size; 64 times the time would be the square


def _csv(message: str, columns: int = 26) -> bytes:
    row: list[Any] = [
        "2026-11-21 20:06:24.860 UTC", "web", "shop", 28234, "::1:39114", "6b01f9c0.6e4a", 1, "SELECT", "2026-11-21 20:06:24 UTC",
        "1/0", 0, "LOG", "00000", message, None, None, None, None, None, None, None, None, 'the "app"', "client backend", None, -6,
    ]  # fmt: skip
    quoted = {1, 2, 4, 7, 13, 22, 23}
    out = io.StringIO()
    for at, value in enumerate(row[:columns]):
        text = "" if value is None else str(value)
        out.write(("," if at else "") + ('"' + text.replace('"', '""') + '"' if at in quoted else text))
    assert next(csv.reader(io.StringIO(out.getvalue(), newline="")))[13] == message
    return out.getvalue().encode() + b"\n"


def _json(message: str) -> bytes:
    record = {
        "timestamp": "2026-11-21 20:06:24.860 UTC", "user": "web", "dbname": "shop", "pid": 28234, "remote_host": "::1",
        "remote_port": 39114, "session_id": "6b01f9c0.6e4a", "line_num": 1, "ps": "SELECT", "session_start": "2026-11-21 20:06:24 UTC",
        "vxid": "1/0", "txid": 0, "error_severity": "LOG", "message": message, "application_name": 'the "app"',
        "backend_type": "client backend", "query_id": -6,
    }  # fmt: skip
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
