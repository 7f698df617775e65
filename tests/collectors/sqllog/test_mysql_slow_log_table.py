"""mysql.slow_log exported: a real MariaDB's table in all the forms in which it comes out, read with the same result."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import databases
from perfkit.collectors.sqllog.mysql_table import FORMAT
from perfkit.model.sqllog import Session

STATEMENTS = (
    "select 1",
    "select 'it''s', \"say \"\"so\"\"\", 'a,b'",
    "select 'back\\\\slash', '\\n'",
    "select 'line\n2023-01-01 10:00:00,\n  two'",
    "select 'tab\tinside'",
    "select 'ünï ☃'",
    "select\n 1;",
    "select '\r\n'",
)
COLUMNS = (
    "start_time,user_host,query_time,lock_time,rows_sent,rows_examined,db,last_insert_id,insert_id,server_id,sql_text,"
    "thread_id,rows_affected"
)
MYSQL = (
    b'"2024-01-01 09:05:01.123456","root[root] @ localhost []","00:01:02.000003","00:00:00.000002",3,40,"shop",0,0,1,'
    b'"SELECT \\"a\\"\\nFROM b",8\n'
)


def read(log: bytes, size: int = 1 << 20) -> tuple[Any, list[tuple[Any, ...]], int]:
    """The reader, (text, micros, locked, sent, examined, time, session, connection) of each event, and lines unparsed."""
    reader: Any = FORMAT.reader(log[:65536], None)
    rest, found, unparsed = b"", [], 0
    for at in range(0, len(log), size):
        block = rest + log[at : at + size]
        end = reader.cut(block, at + size >= len(log))
        events, rest = reader.read(block[:end]), block[end:]
        sessions = [(reader.session(piece), reader.identity(piece)) for piece in events.sessions]
        times = map(reader.epoch, events.times)
        numbers = (events.micros, events.locked, events.rows_sent, events.rows_examined)
        columns = [column or [None] * len(events.texts) for column in numbers]
        found += zip(events.texts, *columns, times, sessions, strict=True)
        unparsed += events.unparsed
    assert not rest
    return reader, found, unparsed


@pytest.fixture(scope="module")
def exports() -> Iterator[dict[str, bytes]]:
    """The same table, by the name of the way in which it came out."""
    import pymysql

    with databases.mariadb() as database:
        folder = database.socket.parent
        with closing(pymysql.connect(unix_socket=str(database.socket), user="root", autocommit=True)) as root:
            ask = root.cursor()
            ask.execute("SET GLOBAL log_output = 'TABLE'")
            ask.execute("SET GLOBAL long_query_time = 0")
            ask.execute("SET GLOBAL slow_query_log = 1")
            login = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
            with closing(pymysql.connect(**login, database=database.name)) as connection:
                for statement in STATEMENTS:
                    connection.cursor().execute(statement)
            ask.execute("SET GLOBAL slow_query_log = 0")
            quoted = "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'"
            ask.execute(f"SELECT * FROM mysql.slow_log INTO OUTFILE '{folder}/quoted.csv' {quoted}")
            ask.execute(f"SELECT * FROM mysql.slow_log INTO OUTFILE '{folder}/plain.txt'")
            ask.execute("FLUSH TABLES")
            texts = ", ".join(f"CAST({column} AS CHAR)" for column in COLUMNS.split(","))
            ask.execute(f"SELECT {texts} FROM mysql.slow_log")
            rows = ask.fetchall()
        standard = io.StringIO()
        csv.writer(standard).writerows([COLUMNS.split(","), *rows])
        found = {
            "the CSV engine's file": (folder / "data" / "mysql" / "slow_log.CSV").read_bytes(),
            "outfile with quotes": (folder / "quoted.csv").read_bytes(),
            "outfile with tabs": (folder / "plain.txt").read_bytes(),
            "RFC 4180": standard.getvalue().encode(),
        }
        if client := shutil.which("mariadb"):
            words = [client, "--no-defaults", "--user=root", f"--socket={database.socket}", "--batch"]
            for name, more in (("client", []), ("client without header", ["--skip-column-names"])):
                words_and_query = [*words, *more, "--execute=SELECT * FROM mysql.slow_log"]
                found[name] = subprocess.run(words_and_query, capture_output=True, check=True).stdout
        yield found


@pytest.mark.real
def test_all_ways_out_of_a_table_say_the_same(exports: dict[str, bytes]) -> None:
    _, expected, _ = read(exports["the CSV engine's file"])
    wanted = [statement.encode().rstrip(b"; \r\n") for statement in STATEMENTS]
    assert [event[0] for event in expected][-len(wanted) :] == wanted
    assert {event[6][0] for event in expected} == {Session(user="perfkit", database="perfkit", host="127.0.0.1")}
    for name, log in exports.items():
        assert FORMAT.fits(log) == 1, name
        for size in (100, 1 << 20):
            reader, found, unparsed = read(log, size)
            assert (found, unparsed) == (expected, 0), name
        assert reader.system == "mariadb"


def test_mysql_without_header() -> None:
    reader, found, unparsed = read(MYSQL * 2)
    who = (Session(user="root", database="shop", host="localhost"), b"8")
    assert found == [(b'SELECT "a"\nFROM b', 62_000_003, 2, 3, 40, 1704099901.123456, who)] * 2
    assert (reader.system, unparsed) == ("mysql", 0)
    assert "UTC" in reader.remarks[0]


def test_some_columns_in_another_order() -> None:
    log = b"query_time\tsql_text\tstart_time\n00:00:01\tselect 1\\n+ 1\t2024-01-01 09:05:01\n"
    assert FORMAT.fits(log) == 1
    ((event,),) = read(log)[1:2]
    assert event[0] == b"select 1\n+ 1"
    assert (event[1], event[5]) == (1_000_000, 1704099901.0)


def test_statements_as_hexadecimal_digits() -> None:
    log = b"start_time\tquery_time\tsql_text\n2024-01-01 09:05:01\t00:00:01\t0x53454C4543542031\n"
    reader: Any = FORMAT.reader(log, None)
    assert reader.read(log).texts == [b"SELECT 1"]


def test_what_is_no_record_is_counted() -> None:
    log = MYSQL + b"mysqldump: Got error: 1146\n" + MYSQL
    reader: Any = FORMAT.reader(log, None)
    events = reader.read(log)
    assert (len(events.texts), events.unparsed, events.examples) == (2, 1, [b"mysqldump: Got error: 1146"])


def test_other_tables_do_not_fit() -> None:
    for other in (b"", b"a,b,c\n1,2,3\n", b'2024-01-01 00:00:00 UTC,"u","d",1,,,\n', b"\t\n\x00\xff"):
        assert FORMAT.fits(other) == 0


PIECES = st.sampled_from(
    [MYSQL, *MYSQL.split(b","), COLUMNS.encode(), b",", b"\t", b'"', b'""', b"\\", b"\n", b"\x00", b"\xe2\x98", b"NULL"]
)


@given(st.lists(PIECES | st.binary(max_size=10), max_size=40), st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_no_table_makes_it_fail(pieces: list[bytes], size: int) -> None:
    log = MYSQL + b"".join(pieces)
    read(log, size)
    assert 0 <= FORMAT.fits(log) <= 1
    assert 0 <= FORMAT.fits(b"".join(pieces)) <= 1


@pytest.mark.parametrize(
    "repeated", [b'"', b'",', b'\\"', b"\\", b",", b'\n"2024-01-01 09:05:01"', b'""', b'"a",', b"\t"]
)
@pytest.mark.parametrize("begin", [MYSQL, MYSQL.rpartition(b"SELECT")[0], COLUMNS.encode() + b"\n"])
def test_twice_the_table_takes_about_twice_the_time(repeated: bytes, begin: bytes) -> None:
    def seconds(count: int) -> float:
        log = begin + repeated * count
        started = time.process_time()
        reader: Any = FORMAT.reader(log[:65536], None)
        reader.cut(log, False)
        reader.read(log)
        return time.process_time() - started

    count = 40_000 // len(repeated)
    assert min(seconds(4 * count) for _ in range(2)) < 12 * min(seconds(count) for _ in range(3)) + 0.05
