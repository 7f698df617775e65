"""Rows are counted on their statement until it is written, and none of them is lost or counted twice afterwards."""

from __future__ import annotations

from pathlib import Path

from probe_spool import Spooled, run_with_probe

BEGINNING = """
import sqlite3
from perfkit_probe import spool
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE t (a)")
database.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(10)])
cursor = database.cursor()
"""
ALL = "SELECT a FROM t"


def ran(program: str, tmp_path: Path, python: str) -> Spooled:
    script = tmp_path / "program.py"
    script.write_text(BEGINNING + program)
    ended, (seen,) = run_with_probe(script, tmp_path / "spool", python)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert seen.gaps == []
    return seen


def fetched(seen: Spooled, text: str = ALL) -> list[int]:
    return [span.count or 0 for span in seen.of("fetch") if seen.name(span) == text]


def times(seen: Spooled, text: str = ALL) -> int:
    return [seen.name(span) for span in seen.of("sql")].count(text)


AFTER = """
for fetch in ("[cursor.fetchone()]", "cursor.fetchmany(4)", "cursor.fetchall()", "[next(cursor)]"):
    cursor.execute("SELECT a FROM t")
    cursor.fetchone()
    spool.flush()
    found = len(eval(fetch))
    spool.flush()
    spool.flush()
    assert found + len(cursor.fetchall()) == 9
    spool.flush()
"""


def test_a_fetch_after_its_statement_was_written(tmp_path: Path, python: str) -> None:
    seen = ran(AFTER, tmp_path, python)
    assert times(seen) == 4
    assert fetched(seen) == [1, 1, 8, 1, 4, 5, 1, 9, 1, 1, 8]


def test_a_fetch_after_its_statement_was_packed(tmp_path: Path, python: str) -> None:
    first, _, rest = AFTER.partition("spool.flush()")
    seen = ran(first + "spool.pack()" + rest, tmp_path, python)
    assert times(seen) == 4
    assert fetched(seen) == [1, 1, 8, 1, 4, 5, 1, 9, 1, 1, 8]


WAITING = """
from math import inf
from perfkit_probe import requests
with_others = requests.Request(requests.WSGI, "GET /others")
most = 0
for _ in range(100):
    spool.written_at = inf  # it is never time to write
    request = requests.Request(requests.WSGI, "GET /items")
    token = requests.current.set(request)
    for _ in range(10):
        database.execute("SELECT a FROM t").fetchall()
    requests.current.reset(token)
    most = max(most, len(spool.kept))
    request.end()
assert most <= spool.MANY_UNPACKED + 12, most
assert sum(type(event) is list for event in spool.kept) < spool.MANY_UNPACKED
with_others.end()
"""


def test_statements_that_wait_for_their_write_are_packed(tmp_path: Path, some_python: str) -> None:
    seen = ran(WAITING, tmp_path, some_python)
    assert (times(seen), fetched(seen)) == (1000, [10] * 1000)
    of = [seen.name(span) for span in seen.of("sql") if span.request]
    assert of == [ALL] * 1000 and len(seen.requests) == 101


BROKEN = """
for _ in range(3):
    database.execute("SELECT a FROM t").fetchall()
    spool.pack()
database.execute("SELECT a FROM t").fetchall()
spool.keep([0, 0, "no number", 0, 0.0, 0.0, -1, None, 0.0, 0.0, 0])
database.execute("SELECT a FROM t").fetchall()
"""


def test_a_statement_that_cannot_be_packed_is_the_only_one_lost(tmp_path: Path, some_python: str) -> None:
    script = tmp_path / "program.py"
    script.write_text(BEGINNING + BROKEN)
    ended, (seen,) = run_with_probe(script, tmp_path / "spool", some_python)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (times(seen), fetched(seen)) == (5, [10] * 5)
    ((what, _, _),) = seen.gaps
    assert what == "what some statements would have shown"


INTERLEAVED = """
cursor.execute("SELECT a FROM t")
while True:
    rows = cursor.fetchmany(5)
    if not rows:
        break
    for row in rows:
        database.execute("SELECT ?", row).fetchone()
"""


def test_statements_between_the_fetches_of_another(tmp_path: Path, some_python: str) -> None:
    seen = ran(INTERLEAVED, tmp_path, some_python)
    assert (times(seen), fetched(seen)) == (1, [5, 5])
    assert fetched(seen, "SELECT ?") == [1] * 10
    outer = [span for span in seen.of("fetch") if seen.name(span) == ALL]
    inner = [span for span in seen.spans if seen.name(span) == "SELECT ?"]
    assert len(inner) == 20
    for one in outer:
        assert not [span for span in inner if one.start < span.start < one.start + one.seconds]
    (first, second), starts = sorted(span.start for span in outer), [span.start for span in inner]
    assert [sum(start < first for start in starts), sum(start < second for start in starts)] == [0, 10]


NEVER_CLOSED = """
cursor.execute("SELECT a FROM t")
cursor.fetchone(), next(cursor)
kept = database.execute("SELECT a FROM t").fetchmany(7)
going = iter(database.execute("SELECT a FROM t"))
next(going), next(going), next(going)
"""


def test_a_cursor_that_is_never_closed(tmp_path: Path, some_python: str) -> None:
    seen = ran(NEVER_CLOSED, tmp_path, some_python)
    assert (times(seen), sorted(fetched(seen))) == (3, [2, 3, 7])


UNUSED = """
made = type(cursor)(database)
for one in (made, cursor):
    assert [one.fetchone(), one.fetchmany(), one.fetchall(), list(one), next(one, None)] == [None, [], [], [], None]
spool.close()
assert database.execute("SELECT a FROM t").fetchone() == (0,)
assert len(database.execute("SELECT a FROM t").fetchall()) == 10
"""


def test_cursors_without_a_statement_and_a_spool_that_is_closed(tmp_path: Path, some_python: str) -> None:
    seen = ran(UNUSED, tmp_path, some_python)
    assert (times(seen), fetched(seen)) == (0, [])


# Threads fetch while others' statements are written: what a switch in the middle may cost is a count, never a span too many.
THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
def work():
    mine = sqlite3.connect(":memory:")
    for number in range(300):
        rows = mine.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
        rows.fetchone()
        spool.flush()
        rows.fetchall()
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_threads_that_fetch_while_others_write(tmp_path: Path, some_python: str) -> None:
    seen = ran(THREADS, tmp_path, some_python)
    text = "SELECT ? UNION SELECT ? UNION SELECT ?"
    assert times(seen, text) == 1200
    assert 3500 <= sum(fetched(seen, text)) <= 3600


# A finalizer runs a statement while events are being packed: it is neither lost nor written before its own definitions.
REENTERED = """
import gc
from perfkit_probe import events
class Dies:
    def __init__(self):
        self.me = self
    def __del__(self):
        database.execute("SELECT 'a', 'finalizer'").fetchall()
        spool.flush()
packed = events.packed
def slowly(taken):
    Dies()
    gc.collect()
    return packed(taken)
spool.packed = slowly
database.execute("SELECT a FROM t").fetchall()
spool.flush()
spool.packed = packed
"""


def test_a_statement_in_the_middle_of_writing(tmp_path: Path, some_python: str) -> None:
    seen = ran(REENTERED, tmp_path, some_python)
    assert (times(seen), times(seen, "SELECT ?, ?")) == (1, 1)
    assert (fetched(seen), fetched(seen, "SELECT ?, ?")) == ([10], [1])
