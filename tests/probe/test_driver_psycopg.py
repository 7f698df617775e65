"""psycopg 3 on a real PostgreSQL: each statement once, its rows, its line, and nothing different for the program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driver_runs import counts, lines, rows, seen_in, where
from environments import LTS, NEW, OLD, Environment, build

if TYPE_CHECKING:
    from databases import Database

PROGRAM = """
import asyncio, inspect, json, sys, threading
import psycopg
from psycopg import connect, rows, sql
try:
    from perfkit_probe import requests
except ImportError:
    requests = None
to = json.loads(sys.argv[1])
dsn = to["dsn"]
said = []

def tried(action):
    try:
        return action()
    except Exception as error:
        return [type(error).__name__, str(error)]

def one(c, n):
    return c.execute("SELECT name FROM t WHERE id = %s", (n,)).fetchone()

class Loud(psycopg.Cursor):
    def execute(self, query, params=None, **kwargs):
        said.append("loud")
        return super().execute(query, params, **kwargs)

def synchronous():
    with connect(dsn) as c:
        c.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)")
        cursor = c.cursor()
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(n, "n%d" % n) for n in range(50)])
        said.append([cursor.rowcount, c.execute("UPDATE t SET name = %s WHERE id < %s", ("x", 3)).rowcount])
        said.append([one(c, n) for n in range(4)])
        said.append(c.execute("SELECT * FROM t WHERE id = 700").fetchone())
        cursor.execute("SELECT id FROM t ORDER BY id")
        said.append([cursor.fetchmany(3), [row[0] for row in cursor][:3], cursor.fetchone()])
        composed = sql.SQL("SELECT {} FROM t WHERE id < %s AND {} = 1").format(sql.Identifier("name"), sql.Literal(1))
        said.append(cursor.execute(composed, (2,)).fetchall())
        said.append([row for row in cursor.stream("SELECT id FROM t WHERE id < %s ORDER BY 1", (5,))])
        for row in cursor.stream("SELECT id, 1 FROM t WHERE id < 6"):
            break
        with c.cursor(name="kept", row_factory=rows.dict_row) as kept:
            kept.itersize = 20
            kept.execute("SELECT id, name FROM t ORDER BY id")
            said.append([kept.fetchone(), len(kept.fetchmany(5)), len(list(kept))])
        with cursor.copy("COPY t FROM STDIN") as copy:
            for n in range(100, 110):
                copy.write_row((n, "c"))
        said.append(cursor.rowcount)
        with cursor.copy("COPY (SELECT id FROM t WHERE id >= 100) TO STDOUT") as copy:
            said.append(len(list(copy.rows())))
        said.append(tried(lambda: cursor.copy("COPY nothing FROM STDIN").__enter__()))
        c.rollback()
        c.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)")
        c.commit()
        c.commit()
        with c.transaction():
            c.execute("SELECT 1")
            with c.transaction(force_rollback=True):
                c.execute("DELETE FROM t WHERE id = 1")
        for wrong in (lambda: c.execute("SELEC"), lambda: c.execute("SELECT %s", (1, 2)), lambda: c.execute("SELECT 'a\\0b'")):
            said.append(tried(wrong))
            c.rollback()
        said.append(c.execute('SELECT 1 AS "n\\u00e4me"').description[0].name)
        said.append(len(c.execute("SELECT '" + "x" * 5_000_000 + "' AS long").fetchone()[0]))
        with c.pipeline() as pipeline:
            first, second = c.execute("SELECT 7"), c.execute("SELECT 8")
            pipeline.sync()
            said.append([first.fetchone(), second.fetchall()])
        said.append([Loud(c).execute("SELECT 'loud'").fetchall(), psycopg.ClientCursor(c).execute("SELECT %s", ("a",)).fetchall()])
    said.append(tried(lambda: c.execute("SELECT 1")))
    said.append(tried(lambda: connect(dsn, password="wrong"))[0])

async def work(n):
    if requests:
        request = requests.Request(requests.ASGI, "GET /%d" % n)
        requests.current.set(request)
    async with await psycopg.AsyncConnection.connect(dsn) as c:
        cursor = await c.execute("SELECT pg_sleep(0.02 * %s)", (n,))
        said.append(len(await cursor.fetchall()))
    if requests:
        request.end()

async def asynchronous():
    async with await psycopg.AsyncConnection.connect(dsn) as c:
        await c.execute("CREATE TABLE a (id INT)")
        cursor = c.cursor()
        await cursor.executemany("INSERT INTO a VALUES (%s)", [(n,) for n in range(30)])
        await cursor.execute("SELECT id FROM a ORDER BY id")
        said.append([await cursor.fetchone(), await cursor.fetchmany(2), len([row async for row in cursor])])
        said.append([row async for row in cursor.stream("SELECT id FROM a WHERE id < 3 ORDER BY id")])
        async with c.cursor(name="kept") as kept:
            await kept.execute("SELECT id FROM a")
            said.append([len(await kept.fetchmany(4)), len([row async for row in kept])])
        async with cursor.copy("COPY a FROM STDIN") as copy:
            for n in range(5):
                await copy.write_row((n,))
        await c.commit()
        async with c.transaction():
            await c.execute("SELECT 2")
        try:
            await c.execute("SELECT * FROM nowhere")
        except psycopg.Error as error:
            said.append([type(error).__name__, str(error)])
        await c.rollback()
        task = asyncio.ensure_future(c.execute("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.1)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            said.append("cancelled")
        await c.rollback()
        said.append(await (await c.execute("SELECT 3")).fetchone())
    await asyncio.gather(work(1), work(2))

synchronous()
asyncio.run(asynchronous())
methods = [getattr(psycopg.Cursor, name) for name in ("execute", "executemany", "fetchmany", "stream")]
said.append([str(inspect.signature(method)) for method in methods])
said.append([inspect.iscoroutinefunction(psycopg.AsyncCursor.execute), inspect.isgeneratorfunction(psycopg.Cursor.stream)])
said.append(inspect.isasyncgenfunction(psycopg.AsyncCursor.stream))
print(json.dumps(said, default=str))
"""
EVERY = pytest.mark.parametrize("environment", [None, OLD, LTS, NEW])


@EVERY
def test_each_statement_once(postgres: Database, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)], python)
    counted = counts(seen, "sql")
    for text, times in {
        "SELECT name FROM t WHERE id = %s": 4,
        "INSERT INTO t VALUES (%s, %s)": 1,
        'SELECT "name" FROM t WHERE id < $1 AND ? = ?': 1,
        "COPY t FROM STDIN": 1,
        "COPY nothing FROM STDIN": 1,
        "SELEC": 1,
        "INSERT INTO a VALUES (%s)": 1,
        "COPY a FROM STDIN": 1,
        "SELECT * FROM nowhere": 1,
        "SELECT pg_sleep(?)": 1,
        "SELECT pg_sleep(? * %s)": 2,
    }.items():
        assert counted[text] == times, text
    assert rows(seen, "INSERT INTO t", "sql") == [50]
    assert rows(seen, "UPDATE t", "sql") == [3]
    assert rows(seen, "COPY t FROM", "sql") == [10]
    assert rows(seen, "INSERT INTO a", "sql") == [30]
    assert rows(seen, "SELECT name") == [1] * 4
    assert sum(rows(seen, "SELECT id FROM t ORDER BY id")) == 50
    assert rows(seen, "SELECT id FROM t WHERE id < %s") == [5]
    assert rows(seen, "SELECT id, ? FROM t") == [1], "the loop was left"
    assert sum(rows(seen, "SELECT id, name FROM t")) == 50
    assert sum(rows(seen, "SELECT id FROM a ORDER")) == 30
    assert rows(seen, "SELECT id FROM a WHERE") == [3]
    cancelled = next(span for span in seen.of("sql") if seen.name(span) == "SELECT pg_sleep(?)")
    assert 0.05 < cancelled.seconds < 15


@EVERY
def test_transactions(postgres: Database, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)], python)
    sent = [seen.name(span) for span in seen.of("transaction")]
    assert sent[:6] == ["ROLLBACK", "COMMIT", "BEGIN", "SAVEPOINT", "ROLLBACK TO SAVEPOINT", "COMMIT"]
    assert sent.count("SYNC") == 2, "the pipeline's own, and its end"


def test_lines_and_requests(postgres: Database, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)])
    assert lines(seen, "SELECT name", PROGRAM) == {
        'return c.execute("SELECT name FROM t WHERE id = %s", (n,)).fetchone()'
    }
    assert lines(seen, "SELECT pg_sleep(? *", PROGRAM) == {
        'cursor = await c.execute("SELECT pg_sleep(0.02 * %s)", (n,))'
    }
    assert lines(seen, "COPY a", PROGRAM) == {'async with cursor.copy("COPY a FROM STDIN") as copy:'}
    for number in (request.number for request in seen.requests):
        own = [span.kind for span in seen.spans if span.request == number and span.kind in ("connect", "sql", "fetch")]
        assert own == ["connect", "sql", "fetch"]
    first, second = sorted(span.seconds for span in seen.of("sql") if seen.name(span) == "SELECT pg_sleep(? * %s)")
    assert 0.02 <= first < second


def test_connections_without_their_secrets(postgres: Database, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)])
    (address,) = set(counts(seen, "connect")) - {"postgresql"}
    assert address.startswith(f"postgresql 127.0.0.1:{postgres.port}/perfkit_")
    assert counts(seen, "connect") == {address: 4, "postgresql": 1}, "one was refused"


POOLS = """
import asyncio, json, sys, threading
import psycopg_pool
dsn = json.loads(sys.argv[1])["dsn"]
said = []

def held(pool):
    with pool.connection() as c:
        said.append(c.execute("SELECT 1, pg_sleep(0.05)").fetchone()[0])

async def async_held(pool):
    async with pool.connection() as c:
        said.append((await (await c.execute("SELECT 1, pg_sleep(0.05)")).fetchone())[0])

async def main():
    async with psycopg_pool.AsyncConnectionPool(dsn, min_size=1, max_size=1, open=False) as pool:
        await pool.wait()
        await asyncio.gather(async_held(pool), async_held(pool))

with psycopg_pool.ConnectionPool(dsn, min_size=1, max_size=1, open=True) as pool:
    pool.wait()
    threads = [threading.Thread(target=held, args=(pool,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pool.connection():
        try:
            pool.getconn(timeout=0.1)
        except psycopg_pool.PoolTimeout as error:
            said.append(str(error))
asyncio.run(main())
print(json.dumps(said))
"""


@pytest.mark.parametrize("environment", [None, OLD, NEW])
def test_waits_for_a_pool(postgres: Database, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    _, seen = seen_in(POOLS, tmp_path, lambda: [where(postgres)], python)
    waits = seen.of("pool")
    assert [span.count for span in waits] == [1, 1, 1]
    assert [seen.name(span).partition(":")[0] for span in waits] == [
        "postgresql 127.0.0.1",
        "postgresql",
        "postgresql 127.0.0.1",
    ]
    assert all(span.seconds > 0.03 for span in waits)
    source = POOLS.splitlines()
    for span, line in zip(
        waits[::2], ("with pool.connection() as c:", "async with pool.connection() as c:"), strict=True
    ):
        own = [number for _, file, number in seen.site(span) if Path(file).name == "program.py"]
        assert source[own[-1] - 1].strip() == line
