"""sqlite3 on real databases: each statement once, its rows, its line, and nothing different for the program."""

from __future__ import annotations

from pathlib import Path

from driver_runs import counts, lines, rows, seen_in
from probe_spool import run_with_probe

PROGRAM = """
import datetime, gc, json, pickle, sqlite3, sys, threading, warnings, weakref
from sqlite3 import connect
said = []

def tried(action):
    try:
        return action()
    except BaseException as error:
        return [type(error).__name__, str(error).partition(" The object")[0]]

def one(n):
    return c.execute("SELECT b FROM t WHERE a = ?", (n,)).fetchone()

c = connect(":memory:")
said.append([repr(c)[:27], repr(c.cursor())[:23], isinstance(c, sqlite3.Connection), hasattr(c, "__dict__")])
c.execute("CREATE TABLE t (a INTEGER, b TEXT)")
with c:
    said.append(c.executemany("INSERT INTO t VALUES (?, ?)", [(n, str(n)) for n in range(100)]).rowcount)
said.append(c.execute("UPDATE t SET b = 'x' WHERE a < ?", (3,)).rowcount)
c.commit()
c.commit()
c.execute("DELETE FROM t WHERE a = 99")
c.rollback()
try:
    with c:
        c.execute("DELETE FROM t")
        raise KeyError
except KeyError:
    pass
said.append([one(n) for n in range(5)])
said.append(sum(row[0] for row in c.execute("SELECT a FROM t WHERE a < 50")))
cursor = c.cursor()
said.append([cursor.execute("SELECT a FROM t") is cursor, cursor.connection is c, len(cursor.fetchmany(7))])
said.append([cursor.fetchone(), len(cursor.fetchall()), cursor.fetchone(), cursor.fetchall(), cursor.rowcount])
said += [tried(lambda: c.execute("SELEC")), tried(lambda: c.execute("SELECT ?", (1, 2))), tried(cursor.fetchall)]
said += [tried(lambda: pickle.dumps(c)), tried(lambda: pickle.dumps(cursor)), tried(lambda: c.cursor(None))]
said += [tried(lambda: c.cursor(factory=3)), tried(lambda: c.cursor(lambda connection: 5))]

class MyCursor(sqlite3.Cursor):
    log = []
    def execute(self, *given):
        self.log.append(given)
        return super().execute(*given)
    def __del__(self):
        self.log.append("gone")

class MyConnection(sqlite3.Connection):
    log = []
    def execute(self, *given):
        self.log.append(given)
        return super().execute(*given)
    def cursor(self, factory=None):
        self.log.append("cursor")
        return super().cursor(factory or MyCursor)
    def commit(self):
        self.log.append("commit")
        return super().commit()

mine = sqlite3.dbapi2.connect(":memory:", factory=MyConnection)
mine.execute("SELECT 'mine', 1").fetchall()
mine.cursor().execute("SELECT 'mine', 2").fetchone()
with mine:
    mine.execute("CREATE TABLE x (y)")
mine.executescript("SELECT 5; SELECT 6")
gc.collect()
said.append([MyConnection.log, MyCursor.log])

c.row_factory = sqlite3.Row
said.append(tuple(c.execute("SELECT 1 AS a").fetchone()))
c.row_factory = lambda cursor, row: None
said.append(list(c.execute("SELECT a FROM t LIMIT 3")))
c.row_factory = None
said.append(len(list(c.iterdump())))
copy = connect(":memory:")
c.backup(copy)
said.append(copy.execute("SELECT count(*) FROM t").fetchall())
c.create_function("twice", 1, lambda x: x * 2)
c.create_function("wrong", 1, lambda x: 1 / 0)
said += [c.execute("SELECT twice(21)").fetchone(), tried(lambda: c.execute("SELECT wrong(21)").fetchone())]
thread = threading.Thread(target=lambda: said.extend([tried(lambda: c.execute("SELECT 1")), tried(c.commit)]))
thread.start()
thread.join()
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    typed = connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
    typed.execute("CREATE TABLE d (a DATE, b TIMESTAMP)")
    now = (datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1))
    typed.execute("INSERT INTO d VALUES (?, ?)", now)
    typed.cursor().execute("INSERT INTO d VALUES (?, ?)", now)
    said.append(str(typed.execute("SELECT * FROM d").fetchall()))
    connect(":memory:", 5.0).close()
    connect(":memory:", 5.0, 0, None, True, MyConnection).close()
    said += [tried(lambda: typed.execute("SELECT :a", (1,)).fetchall()), tried(lambda: typed.cursor().execute("SELECT @a", (1,)).fetchall())]
    typed.close()
said.append([[str(w.message), w.filename == __file__, w.lineno] for w in seen if w.category is DeprecationWarning])
if sys.version_info >= (3, 12):
    strict = connect(":memory:", autocommit=False)
    strict.execute("CREATE TABLE q (a)")
    strict.commit()
    strict.close()
    free = connect(":memory:", autocommit=True)
    free.execute("BEGIN")
    free.commit()
    said.append(free.in_transaction)
    free.close()
class Empty(sqlite3.Connection):
    def __init__(self, *given, **named):
        pass
said += [tried(lambda: connect(":memory:", factory=Empty).execute("x")), tried(lambda: connect("/nowhere/x")), tried(connect)]
said += [tried(lambda: c.execute('SELECT 1 AS "\\ud800"')), tried(lambda: c.execute('SELECT 1 AS "a\\0b"'))]
said.append(c.execute('SELECT 1 AS "n\\u00e4me"').description[0][0])
again = type(cursor)(c)
said += [next(again, None), again.fetchone(), again.fetchall(), again.execute("SELECT 7").fetchone()]
watched = weakref.ref(c.cursor())
gc.collect()
said.append(watched() is None)
for opened in (c, copy, mine):
    opened.close()
said += [tried(c.commit), tried(lambda: c.execute("x")), tried(lambda: c.__exit__(None, None, None))]
print(json.dumps(said))
"""


def test_each_statement_once(python: str, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, list, python)
    counted = counts(seen, "sql")
    assert counted["SELECT b FROM t WHERE a = ?"] == 5
    assert counted["SELECT ?, ?"] == 2, "through overrides of connection and cursor"
    assert counted["SELECT ?; SELECT ?"] == 1
    assert counted["SELEC"] == counted["CREATE TABLE x (y)"] == 1
    assert rows(seen, "INSERT INTO t", "sql") == [100]
    assert rows(seen, "UPDATE t", "sql") == [3]
    assert rows(seen, "SELECT b") == [1] * 5
    assert rows(seen, "SELECT a FROM t WHERE") == [50]
    assert sum(rows(seen, "SELECT a FROM t")) == 50 + 100 + 3
    keys = [span.key for span in seen.of("sql") if seen.name(span) == "SELECT b FROM t WHERE a = ?"]
    assert len(set(keys)) == 5, "their parameters differ"


def test_transactions_that_were_open(some_python: str, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, list, some_python)
    assert [seen.name(span) for span in seen.of("transaction")][:4] == ["COMMIT", "COMMIT", "ROLLBACK", "ROLLBACK"]


def test_lines(tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, list)
    assert lines(seen, "SELECT b", PROGRAM) == {'return c.execute("SELECT b FROM t WHERE a = ?", (n,)).fetchone()'}
    source = PROGRAM.splitlines()
    at = [source[seen.site(span)[-1][2] - 1].strip() for span in seen.of("transaction")]
    assert at[:4] == ["with c:", "c.commit()", "c.rollback()", "with c:"]
    assert "free.commit()" not in at, "it sends nothing"


REQUESTS = """
import sqlite3
from perfkit_probe import requests
c = sqlite3.connect(":memory:")
kept = []
for n in range(3):
    request = requests.Request(requests.WSGI, "GET /%d" % n)
    token = requests.current.set(request)
    kept.append(c.execute("SELECT 1 UNION SELECT 2"))
    kept[-1].fetchone()
    requests.current.reset(token)
    request.end()
del kept[:]
"""


def test_rows_belong_to_the_request_that_asked(some_python: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(REQUESTS)
    ended, (seen,) = run_with_probe(script, tmp_path / "spool", some_python)
    assert (ended.returncode, ended.stderr) == (0, "")
    for kind in ("sql", "fetch"):
        assert sorted(span.request for span in seen.of(kind)) == [request.number for request in seen.requests]


MANY = """
import sqlite3
c = sqlite3.connect(":memory:")
for n in range(100_000):
    c.execute("SELECT 1 AS a%d" % n)
long = "SELECT '" + "x" * 5_000_000 + "'"
assert len(c.execute(long).fetchone()[0]) == 5_000_000
"""


def test_many_statements_and_a_long_one(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(MANY)
    ended, (seen,) = run_with_probe(script, tmp_path / "spool")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(seen.of("sql")) == 100_001
    assert len(seen.names) <= 10_002
    assert max(map(len, seen.names.values())) < 21_000
    assert counts(seen, "sql")["(other)"] >= 90_000
    ((what, why, _),) = seen.gaps
    assert (what, "(other)" in why) == ("what some statements and templates were called", True)


GONE = """
import os, shutil, sqlite3, time
shutil.rmtree(os.environ["PERFKIT_SPOOL"])
c = sqlite3.connect(":memory:")
until = time.monotonic() + 0.2
n = 0
while time.monotonic() < until:
    n += c.execute("SELECT 1").fetchone()[0]
with c:
    c.execute("CREATE TABLE t (a)")
print(n > 0, c.in_transaction, [row for row in c.execute("SELECT 3")])
"""


def test_nothing_breaks_without_the_spool(some_python: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(GONE)
    ended, seen = run_with_probe(script, tmp_path / "spool", some_python)
    assert (ended.returncode, ended.stdout, ended.stderr, seen) == (0, "True False [(3,)]\n", "", [])


LITERALS = """
import sqlite3
c = sqlite3.connect(":memory:")
for text in ("SELECT 1", "SELECT 2", "SELECT 1"):
    c.execute(text)
for n in (1, 2, 1):
    c.execute("SELECT ?", (n,))
"""


def test_values_in_the_text_are_parameters_too(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(LITERALS)
    _, (found,) = run_with_probe(tmp_path / "program.py", tmp_path / "spool")
    keys = [span.key for span in found.spans if found.names[span.name] == "SELECT ?"]
    one, two, again, first, second, third = keys
    assert one == again != two
    assert first == third != second
