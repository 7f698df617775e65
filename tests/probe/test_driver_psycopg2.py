"""psycopg2 on a real PostgreSQL: each statement once, its rows, its line, and nothing different for the program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driver_runs import counts, lines, rows, seen_in, where
from environments import NEW, OLD, OLDER, Environment, build

if TYPE_CHECKING:
    from databases import Database

PROGRAM = """
import io, json, pickle, sys, uuid, weakref
import psycopg2, psycopg2.extensions, psycopg2.extras, psycopg2.pool
from psycopg2 import connect, extras, sql
try:
    from perfkit_probe import requests
except ImportError:
    requests = None
dsn = json.loads(sys.argv[1])["dsn"]
said = []

def tried(action):
    try:
        return action()
    except BaseException as error:
        return [type(error).__name__, str(error)]

def one(n):
    cursor.execute("SELECT name FROM t WHERE id = %s", (n,))
    return cursor.fetchone()

c = connect(dsn)
cursor = c.cursor()
cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)")
c.commit()
c.commit()
cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(n, "n%d" % n) for n in range(50)])
said.append(cursor.rowcount)
cursor.execute("UPDATE t SET name = %s WHERE id < %s", ("x", 3))
said += [cursor.rowcount, [one(n) for n in range(3)]]
cursor.execute("SELECT id FROM t ORDER BY id")
said.append([cursor.fetchmany(3), [row[0] for row in cursor][:3], cursor.fetchone(), cursor.fetchall()])
cursor.execute(sql.SQL("SELECT {} FROM t WHERE id < %s").format(sql.Identifier("name")), (2,))
said.append(cursor.fetchall())
with c:
    with c.cursor() as inner:
        inner.execute("SELECT 1")
        said.append(inner.fetchall())
try:
    with c, c.cursor() as inner:
        inner.execute("DELETE FROM t")
        raise KeyError
except KeyError:
    pass
with c.cursor("kept") as kept:
    kept.itersize = 20
    kept.execute("SELECT id, name FROM t")
    said.append([kept.fetchone(), len(kept.fetchmany(5)), len(list(kept))])
c.commit()
for factory in (extras.RealDictCursor, extras.DictCursor, extras.NamedTupleCursor):
    with c.cursor(cursor_factory=factory) as other:
        other.execute("SELECT id AS other FROM t WHERE id < 3 ORDER BY id")
        said.append([[str(row) for row in other], isinstance(other, factory)])
with c.cursor(None, extras.DictCursor) as other:
    other.execute("SELECT 4 AS x")
    said.append(other.fetchone()["x"])
extras.execute_values(cursor, "INSERT INTO t VALUES %s", [(n, "v") for n in range(100, 120)], page_size=10)
extras.execute_batch(cursor, "UPDATE t SET name = %s WHERE id = %s", [("b", n) for n in range(6)], page_size=3)
cursor.copy_from(io.StringIO("1000\\ta\\n1001\\tb\\n"), "t")
out = io.StringIO()
cursor.copy_expert("COPY (SELECT id FROM t WHERE id >= 1000) TO STDOUT", out)
cursor.copy_to(out, "t", columns=("id",))
said.append([cursor.rowcount, len(out.getvalue())])
extras.register_uuid(conn_or_curs=c)
psycopg2.extensions.register_type(psycopg2.extensions.UNICODE, cursor)
cursor.execute("SELECT %s::uuid", (uuid.UUID(int=5),))
said += [str(cursor.fetchone()), sql.Identifier("a").as_string(c)]
cursor.callproc("abs", [-5])
said.append(cursor.fetchone())
for wrong in ("SELEC", "SELECT 'a\\0b'", 'SELECT 1 AS "\\ud800"'):
    said.append(tried(lambda: cursor.execute(wrong)))
    c.rollback()
said.append(tried(lambda: cursor.execute("SELECT %s", (1, 2))))
cursor.execute('SELECT 1 AS "n\\u00e4me"')
said.append(cursor.description[0].name)
cursor.execute("SELECT '" + "x" * 5_000_000 + "'")
said.append(len(cursor.fetchone()[0]))
said += [tried(lambda: c.cursor(cursor_factory=int)), tried(lambda: c.cursor(cursor_factory=3)), tried(lambda: c.cursor(x=3))]
said += [tried(lambda: pickle.dumps(c)), tried(lambda: pickle.dumps(cursor)), repr(cursor)[:10], repr(c)[:14], str(type(c))]
said += [isinstance(c, psycopg2.extensions.connection), hasattr(c, "__dict__"), hasattr(cursor, "__dict__")]

log = io.StringIO()
logging = connect(dsn, connection_factory=extras.LoggingConnection)
logging.initialize(log)
logged = logging.cursor()
logged.execute("SELECT 'logged'")
said.append([logged.fetchall(), log.getvalue()])
logging.close()
dicts = connect(dsn, cursor_factory=extras.DictCursor)
said += [dicts.cursor_factory is extras.DictCursor, dicts.cursor().connection is dicts, weakref.ref(dicts)() is dicts]
dicts.close()

class MyCursor(psycopg2.extensions.cursor):
    log = []
    def execute(self, *given):
        self.log.append(given)
        return super().execute(*given)

class MyConnection(psycopg2.extensions.connection):
    log = []
    def cursor(self, *given, **named):
        self.log.append(given)
        return super().cursor(*given, **named)
    def commit(self):
        self.log.append("commit")
        return super().commit()

mine = connect(dsn, MyConnection, MyCursor)
with mine:
    mine.cursor().execute("SELECT 'mine'")
mine.autocommit = True
mine.cursor().execute("SELECT 'free'")
mine.commit()
mine.close()
said += [MyCursor.log, MyConnection.log, tried(mine.cursor), tried(mine.commit)]
said += [tried(lambda: connect(dsn, password="wrong"))[0], tried(lambda: connect(dsn, nonsense=3))]
pool = psycopg2.pool.ThreadedConnectionPool(1, 1, dsn)
taken = pool.getconn()
said.append(tried(pool.getconn))
pool.putconn(taken)
pool.closeall()
waiting = connect(dsn, async_=1)
extras.wait_select(waiting)
later = waiting.cursor()
later.execute("SELECT 'later'")
extras.wait_select(waiting)
said.append(later.fetchall())
waiting.close()
for n in range(2):
    if requests:
        request = requests.Request(requests.WSGI, "GET /%d" % n)
        token = requests.current.set(request)
    with c.cursor() as served:
        served.execute("SELECT 'served'")
        served.fetchone()
    c.commit()
    if requests:
        requests.current.reset(token)
        request.end()
print(json.dumps(said, default=str))
"""
EVERY = pytest.mark.parametrize("environment", [None, OLDER, OLD, NEW])


@EVERY
def test_each_statement_once(postgres: Database, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)], python)
    counted = counts(seen, "sql")
    for text, times in {
        "INSERT INTO t VALUES (%s, %s)": 1,
        "SELECT name FROM t WHERE id = %s": 3,
        'SELECT "name" FROM t WHERE id < ?': 1,
        "SELECT id, name FROM t": 1,
        "SELECT id AS other FROM t WHERE id < ? ORDER BY id": 3,
        "UPDATE t SET name = ? WHERE id = ?;" * 2 + "UPDATE t SET name = ? WHERE id = ?": 2,
        "COPY t FROM STDIN": 1,
        "COPY (SELECT id FROM t WHERE id >= ?) TO STDOUT": 1,
        "COPY t TO STDOUT": 1,
        "SELECT * FROM abs()": 1,
        "SELEC": 1,
        "DELETE FROM t": 1,
    }.items():
        assert counted[text] == times, text
    assert rows(seen, "INSERT INTO t", "sql") == [50, 10, 10]
    assert rows(seen, "UPDATE t SET name = %s", "sql") == [3]
    assert rows(seen, "COPY t FROM", "sql") == [2]
    assert rows(seen, "SELECT name") == [1, 1, 1]
    assert sum(rows(seen, "SELECT id FROM t ORDER")) == 50
    assert sum(rows(seen, "SELECT id, name")) == 50
    assert rows(seen, "SELECT id AS other") == [3, 3, 3]
    assert [seen.name(span) for span in seen.of("transaction")][:4] == ["COMMIT", "COMMIT", "ROLLBACK", "COMMIT"]


def test_lines_and_requests(postgres: Database, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)])
    assert lines(seen, "SELECT name", PROGRAM) == {'cursor.execute("SELECT name FROM t WHERE id = %s", (n,))'}
    for number in (request.number for request in seen.requests):
        assert [span.kind for span in seen.spans if span.request == number and span.kind != "gc"] == [
            "sql",
            "fetch",
            "transaction",
        ]
    assert len(seen.requests) == 2


def test_connections_and_a_pool_that_refuses(postgres: Database, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)])
    (address,) = set(counts(seen, "connect")) - {"postgresql"}
    assert address.startswith(f"postgresql 127.0.0.1:{postgres.port}/perfkit_")
    assert counts(seen, "connect")[address] >= 5
    (refused,) = seen.of("pool")
    assert refused.count == 1
