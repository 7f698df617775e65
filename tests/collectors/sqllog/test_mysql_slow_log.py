"""MySQL's and MariaDB's slow logs: what a real MariaDB wrote and counted, and the shapes that other servers document."""

from __future__ import annotations

import shutil
import subprocess
import time as clocks
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.mysql_slow import FORMAT
from perfkit.model.sqllog import Session
from sql_logs import mariadb_slow_log

BANNER = b"""/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:
Tcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock
Time                 Id Command    Argument
"""
MYSQL_8 = (
    BANNER
    + b"""# Time: 2024-01-01T09:05:02.123456Z
# User@Host: root[root] @ localhost [127.0.0.1]  Id:     8
# Query_time: 1.000123  Lock_time: 0.000002 Rows_sent: 3  Rows_examined: 1000
use shop;
SET timestamp=1704099901;
SELECT *
  FROM orders;
# Time: 2024-01-01T09:05:03.000001Z
# User@Host: web[web] @  [10.0.0.7]  Id:     9
# Query_time: 0.000009  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0
SET last_insert_id=7,insert_id=8,timestamp=1704099903;
INSERT INTO orders VALUES ('; # Time: 2024');
"""
)
EXTRA = b"""# Time: 2024-01-01T09:05:02.123456Z
# User@Host: root[root] @ localhost []  Id:     8
# Query_time: 0.000123  Lock_time: 0.000002 Rows_sent: 1  Rows_examined: 1 Thread_id: 8 Errno: 1146 Killed: 0 Bytes_received: 33 \
Bytes_sent: 57 Read_first: 1 Read_last: 0 Read_key: 1 Read_next: 0 Read_prev: 0 Read_rnd: 0 Read_rnd_next: 2 Sort_merge_passes: 3 \
Sort_range_count: 0 Sort_rows: 10 Sort_scan_count: 1 Created_tmp_disk_tables: 1 Created_tmp_tables: 1 \
Start: 2024-01-01T09:05:02.000000Z End: 2024-01-01T09:05:02.123456Z
SET timestamp=1704099902;
SELECT a FROM b ORDER BY c;
"""
MARIADB = b"""# Time: 240101  9:05:01
# User@Host: web[web] @ app.example [10.0.0.7]
# Thread_id: 42  Schema: shop  QC_hit: No
# Query_time: 12.345678  Lock_time: 0.100000  Rows_sent: 5  Rows_examined: 70
# Rows_affected: 9  Bytes_sent: 100
# Tmp_tables: 1  Tmp_disk_tables: 1  Tmp_table_sizes: 8192
# Full_scan: Yes  Full_join: Yes  Tmp_table: Yes  Tmp_table_on_disk: Yes
# Filesort: Yes  Filesort_on_disk: Yes  Merge_passes: 2  Priority_queue: No
#
# explain: id\tselect_type\ttable
# explain: 1\tSIMPLE\torders
#
SET timestamp=1704099889;
SELECT 1;
"""
PERCONA = b"""# Time: 140714 14:51:44
# User@Host: user1[user1] @ localhost [127.0.0.1]  Id: 69194
# Schema: maindb  Last_errno: 1317  Killed: 1
# Query_time: 0.000228  Lock_time: 0.000114  Rows_sent: 1  Rows_examined: 2  Rows_affected: 3
# Bytes_sent: 545  Tmp_tables: 0  Tmp_disk_tables: 1  Tmp_table_sizes: 0
# InnoDB_trx_id: 1A88583F
# QC_Hit: No  Full_scan: Yes  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No
# Filesort: No  Filesort_on_disk: No  Merge_passes: 0
#   InnoDB_IO_r_ops: 0  InnoDB_IO_r_bytes: 0  InnoDB_IO_r_wait: 0.000000
#   InnoDB_rec_lock_wait: 1.500000  InnoDB_queue_wait: 0.000000
#   InnoDB_pages_distinct: 2
# Log_slow_rate_type: query  Log_slow_rate_limit: 2
SET timestamp=1405349504;
UPDATE bar SET foo=1;
"""
OLD = b"""# Time: 071015 21:43:52
# User@Host: root[root] @ localhost []
# Query_time: 2  Lock_time: 0  Rows_sent: 1  Rows_examined: 0
use test;
select sleep(2) from n;
# User@Host: root[root] @ localhost []
# Query_time: 18446744073709.550781  Lock_time: 0  Rows_sent: 1  Rows_examined: 0
# administrator command: Quit;
"""
HEAD = b"# User@Host: u[u] @ h []  Id: 1\n# Query_time: 0.5  Lock_time: 0 Rows_sent: 0  Rows_examined: 0\nSET timestamp=1;\n"


class Everything:
    """A log, read in blocks of any size."""

    def __init__(self, log: bytes, size: int = 1 << 20, head: bytes | None = None) -> None:
        self.reader: Any = FORMAT.reader(log[:65536] if head is None else head, None)
        self.texts: list[bytes] = []
        self.rows: list[tuple[Any, ...]] = []
        self.sessions: list[Session] = []
        self.flags: Counter[str] = Counter()
        self.plans: list[tuple[bytes, str, int]] = []
        self.incidents: list[tuple[Any, ...]] = []
        self.unparsed = self.lines = 0
        self.examples: list[bytes] = []
        rest = b""
        for at in range(0, len(log), size):
            block = rest + log[at : at + size]
            end = self.reader.cut(block, at + size >= len(log))
            self._add(self.reader.read(block[:end]))
            rest = block[end:]
        assert not rest
        self._add(self.reader.finish())

    def _add(self, events: Any) -> None:
        columns = [events.micros, events.locked, events.rows_sent, events.rows_examined, events.times, events.sessions]
        for column in [*columns, *events.flags.values()]:
            assert len(column) == len(events.texts)
        affected = events.rows_affected or [None] * len(events.texts)
        self.texts += events.texts
        self.rows += zip(*columns[:4], affected, map(self.reader.epoch, events.times), strict=True)
        self.sessions += map(self.reader.session, events.sessions)
        for flag, column in events.flags.items():
            self.flags[flag] += sum(column)
        self.plans += [(events.texts[at], plan.text, plan.micros) for at, plan in events.plans.items()]
        self.incidents += [(i.kind, i.text, i.amount, i.what) for i in events.incidents]
        self.unparsed += events.unparsed
        self.lines += events.lines
        self.examples += events.examples


@pytest.mark.real
def test_a_real_mariadb_counts_as_many_slow_queries() -> None:
    made = mariadb_slow_log()
    log = made.slow.read_bytes()
    assert FORMAT.fits(log[:65536]) == 1
    found = Everything(log)
    assert found.reader.system == "mariadb"
    assert (len(found.texts), found.unparsed, found.lines) == (made.slow_queries, 0, log.count(b"\n"))
    assert {session.user for session in found.sessions} >= {"web", "report writer"}
    assert {session.database for session in found.sessions} >= {"shop", "büro"}
    assert found.flags["full_scan"] > 3
    assert any("\tOrder Items\t" in plan for _, plan, _ in found.plans)


@pytest.mark.real
@pytest.mark.parametrize("size", [1000, 30_000])
def test_blocks_of_any_size_say_the_same(size: int) -> None:
    log = mariadb_slow_log().slow.read_bytes()
    whole, parts = Everything(log), Everything(log, size)
    assert parts.texts == whole.texts
    assert parts.rows == whole.rows
    assert parts.sessions == whole.sessions
    assert parts.flags == whole.flags
    assert set(parts.plans) >= set(whole.plans)


PT_EVENT = (
    '(print(STDOUT join("\\t", map { defined $_ ? $_ : "" } @{$event}{qw(Query_time Rows_sent Rows_examined)}, '
    'unpack("H*", $event->{arg})), "\\n") || 1) && $event'
)


@pytest.mark.real
@pytest.mark.skipif(shutil.which("pt-query-digest") is None, reason="pt-query-digest is not installed")
def test_pt_query_digest_reads_the_same_events() -> None:
    log = mariadb_slow_log().slow
    words = ["pt-query-digest", "--no-version-check", "--no-report", "--filter", PT_EVENT, str(log)]
    theirs: Counter[tuple[Any, ...]] = Counter()
    for line in subprocess.run(words, capture_output=True, check=True).stdout.splitlines():
        seconds, sent, examined, text = line.split(b"\t")
        micros = round(float(seconds) * 1_000_000)
        theirs[micros, int(sent), int(examined), bytes.fromhex(text.decode()).rstrip(b"; \r\n\t")] += 1
    found = Everything(log.read_bytes())
    ours = Counter((row[0], row[2], row[3], text) for row, text in zip(found.rows, found.texts, strict=True))
    assert theirs == ours


def test_mysql_8() -> None:
    found = Everything(MYSQL_8)
    assert found.reader.system == "mysql"
    assert found.texts == [b"SELECT *\n  FROM orders", b"INSERT INTO orders VALUES ('; # Time: 2024')"]
    assert found.rows == [
        (1_000_123, 2, 3, 1000, None, 1704099901.0),
        (9, 0, 0, 0, None, 1704099903.0),
    ]
    root = Session(user="root", database="shop", host="localhost")
    assert found.sessions == [root, Session(user="web", database="shop", host="10.0.0.7")]
    assert [found.reader.identity(piece) for piece in (b"a[a] @ b []  Id:     8", b"a[a] @ b []")] == [b"8", b""]
    assert (found.unparsed, found.lines) == (0, MYSQL_8.count(b"\n"))


def test_log_slow_extra_of_mysql_tells_flags_and_errors() -> None:
    found = Everything(EXTRA)
    assert found.rows == [(123, 2, 1, 1, None, 1704099902.0)]
    assert found.flags == {"filesort_on_disk": 1, "tmp_table_on_disk": 1}
    assert found.incidents == [("error", b"SELECT a FROM b ORDER BY c", 1, "error 1146")]


def test_mariadb_with_all_its_words() -> None:
    found = Everything(MARIADB * 2)
    assert found.reader.system == "mariadb"
    assert found.rows == [(12_345_678, 100_000, 5, 70, 9, 1704099889.0)] * 2
    assert found.sessions[0] == Session(user="web", database="shop", host="app.example")
    names = ("full_scan", "full_join", "tmp_table_on_disk", "filesort_on_disk")
    assert found.flags == dict.fromkeys(names, 2)
    assert found.plans[0] == (b"SELECT 1", "id\tselect_type\ttable\n1\tSIMPLE\torders", 12_345_678)
    assert found.reader.identity(b"web[web] @ app.example [10.0.0.7]\n# Thread_id: 42  Schema: shop") == b"42"


def test_percona_server_tells_row_lock_waits_and_errors() -> None:
    found = Everything(PERCONA)
    assert found.rows == [(228, 114, 1, 2, 3, 1405349504.0)]
    assert found.sessions == [Session(user="user1", database="maindb", host="localhost")]
    assert found.flags == {"full_scan": 1, "tmp_table_on_disk": 1}
    text = b"UPDATE bar SET foo=1"
    assert found.incidents == [("lock-wait", text, 1_500_000, "row lock"), ("error", text, 1, "error 1317")]


def test_old_servers_write_whole_seconds_and_times_only_when_they_change() -> None:
    found = Everything(OLD)
    assert found.texts == [b"select sleep(2) from n", b"administrator command: Quit"]
    assert [row[0] for row in found.rows] == [2_000_000, 0]
    assert [row[5] for row in found.rows] == [1192484632.0] * 2
    assert found.reader.remarks == [
        "Durations of thousands of years count as 0: the server's clock was set back meanwhile."
    ]


def test_statements_in_stored_routines_count_twice_and_the_log_says_so() -> None:
    found = Everything(MARIADB + MARIADB.replace(b"SET timestamp", b"# Stored_routine: shop.p\nSET timestamp"))
    assert (found.texts, found.flags["full_scan"]) == ([b"SELECT 1"] * 2, 2)
    assert "stored routines" in found.reader.remarks[0]


def test_a_clock_without_zone_is_read_with_the_zone_that_the_log_shows() -> None:
    reader = FORMAT.reader(MARIADB.replace(b"9:05:01", b"11:04:49"), None)
    assert reader.epoch(b"240101 11:04:49") == 1704099889.0
    assert reader.epoch(reader.minute(b"240101 11:04:49")) == 1704099840.0


@pytest.mark.parametrize(
    "piece, seconds",
    [
        (b"1704099901", 1704099901.0),
        (b"2024-01-01T09:05:01.500000Z", 1704099901.5),
        (b"2024-01-01T11:05:01.500000+02:00", 1704099901.5),
        (b"240101  9:05:01", 1704099901.0),
        (b"240199 99:99:99", None),
        (b"9" * 400, None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_times(piece: bytes, seconds: float | None) -> None:
    reader = FORMAT.reader(MYSQL_8, None)
    assert reader.epoch(piece) == seconds
    if seconds is not None:
        assert reader.epoch(reader.minute(piece)) == seconds // 60 * 60


def test_what_looks_like_headers_in_a_string_is_a_part_of_the_statement() -> None:
    hostile = b"update t set a='x;\n# Time: 240101  9:00:00\n# User@Host: a[a] @ b []\nSET timestamp=1;\ny;\n# Query_time: 3  Lock_time: 1'"
    log = MARIADB + HEAD + hostile + b";\n" + MYSQL_8
    for head in (MARIADB, MYSQL_8):
        found = Everything(log, head=head)
        assert hostile in found.texts
        assert (len(found.texts), found.unparsed) == (4, 0)


def test_two_servers_in_one_log() -> None:
    together = MYSQL_8 + MARIADB + PERCONA + OLD + EXTRA
    for head in (MYSQL_8, MARIADB):
        found = Everything(together, head=head)
        assert [row[0] for row in found.rows] == [1_000_123, 9, 12_345_678, 228, 2_000_000, 0, 123]
        assert [session.database for session in found.sessions[:4]][2:] == ["shop", "maindb"]
        assert {kind for kind, *_ in found.incidents} == {"lock-wait", "error"}
        assert found.unparsed == 0


def test_without_users() -> None:
    log = b"# Query_time: 0.5  Lock_time: 0 Rows_sent: 0  Rows_examined: 0\nselect 1;\n"
    timed = b"# Time: 110208 12:00:01\n" + log
    found = Everything(log * 2 + timed)
    assert found.texts == [b"select 1"] * 3
    assert found.sessions == [Session()] * 3
    assert found.rows[2][5] == 1297166401.0


def test_a_log_cut_off_in_a_header_says_so() -> None:
    found = Everything(MYSQL_8 + b"# Time: 2024-01-01T09:05:02.123456Z\n# User@Host: root[ro")
    assert found.texts[-1] == b"INSERT INTO orders VALUES ('; # Time: 2024')"
    assert found.unparsed == 2
    assert found.examples[1] == b"# User@Host: root[ro"


def test_lines_before_the_first_record_belong_to_nothing() -> None:
    found = Everything(b"cp: cannot stat\n\x00\x00\n" + MYSQL_8)
    assert (len(found.texts), found.unparsed, found.examples) == (2, 1, [b"cp: cannot stat"])
    assert 0.9 < FORMAT.fits(b"cp: cannot stat\n" + MYSQL_8) < 1


def test_windows_line_ends() -> None:
    assert Everything(MYSQL_8.replace(b"\n", b"\r\n")).texts[1] == b"INSERT INTO orders VALUES ('; # Time: 2024')"


def test_what_is_no_slow_log_does_not_fit() -> None:
    for other in (b"", b"SELECT 1;\n", b"2024-01-01 00:00:00 UTC [1] LOG:  duration: 1 ms\n", bytes(range(256)) * 4):
        assert FORMAT.fits(other) == 0
    assert FORMAT.fits(BANNER) == 1


def test_a_process_that_begins_in_the_middle_knows_the_database() -> None:
    records = MYSQL_8.removeprefix(BANNER)
    one, two = records, records.replace(b"use shop", b"use `other`")
    head = one + two
    log = BANNER + head * 3
    reader: Any = FORMAT.reader(head, None)
    at = reader.begin(log[30:])
    assert log[30 + at :].startswith(b"# Time: 2024-01-01T09:05:02.123456Z\n")
    without_use = records[records.index(b"# Time: 2024-01-01T09:05:03") :]
    assert reader.begin(b"\n" + without_use * 3) == -1
    reader.read(head)
    assert reader.begin(b"\n" + without_use * 3) == 1
    single: Any = FORMAT.reader(one, None)
    assert single.begin(b"\n" + without_use) == 1
    assert single.session(single.read(without_use).sessions[0]).database == "shop"


PIECES = st.sampled_from(
    [
        *MYSQL_8.splitlines(keepends=True),
        *EXTRA.splitlines(keepends=True),
        *MARIADB.splitlines(keepends=True),
        *PERCONA.splitlines(keepends=True),
        *OLD.splitlines(keepends=True),
        b"# ",
        b"\n",
        b";",
        b"'",
        b"\x00",
        b"\xe2\x98",
        b"\xff\xfe",
        b"# Query_time: ",
        b"# administrator command: ",
        b"# Query_time: 99999999999999999999999999.5 Rows_sent: 99999999999999999999999\n",
        b"SET timestamp=99999999999999999999;\n",
    ]
)


@given(
    st.lists(PIECES | st.binary(max_size=20), max_size=60),
    st.integers(1, 500),
    st.sampled_from([MYSQL_8, MARIADB, b""]),
)
@settings(max_examples=300, deadline=None)
def test_no_log_makes_it_fail(pieces: list[bytes], size: int, head: bytes) -> None:
    log = b"".join(pieces)
    found = Everything(log, size, head)
    assert found.lines == log.count(b"\n") + (log[-1:] not in (b"", b"\n"))
    assert 0 <= FORMAT.fits(log) <= 1
    assert found.unparsed <= log.count(b"\n") + len(found.texts) + 1


@pytest.mark.parametrize(
    "repeated",
    [
        b"# Query_time: 1",
        b"# User@Host: ",
        b"\n# User@Host: x\n",
        b"\n# Query_time: 1",
        b"\n# Time: 240101  9:05:01",
        b"# User@Host: a[a] @ b []\n# Thread_id: 1  Schema: s\n",
        b"/x, Version: ",
        b"\n/x, Version: \n",
        b"SET timestamp=1;\n",
        HEAD + b"# administrator command: ",
        HEAD + b"#",
        b"\n# a: b",
        b"x: " * 4,
        b" ",
        b";\n",
        b"Schema: ",
    ],
)
@pytest.mark.parametrize("begin", [b"", HEAD, MARIADB, b"# User@Host: a[a] @ b []\n"])
def test_twice_the_log_takes_about_twice_the_time(repeated: bytes, begin: bytes) -> None:
    def seconds(count: int) -> float:
        log = begin + repeated * count
        reader: Any = FORMAT.reader(log[:65536], None)
        started = clocks.process_time()
        reader.cut(log, False)
        reader.begin(log)
        reader.read(log)
        return clocks.process_time() - started

    count = 50_000 // len(repeated)
    assert min(seconds(4 * count) for _ in range(2)) < 12 * min(seconds(count) for _ in range(3)) + 0.05
