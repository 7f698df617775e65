"""asyncpg on a real PostgreSQL: each statement once, its rows, its line, and nothing different for the program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driver_runs import counts, lines, rows, seen_in, where
from environments import NEW, OLD, Environment, build

if TYPE_CHECKING:
    from databases import Database

PROGRAM = """
import asyncio, asyncpg, inspect, json, sys
to = json.loads(sys.argv[1])
said = []

async def one(connection, n):
    return await connection.fetchval("SELECT name FROM t WHERE id = $1", n)

async def refused():
    try:
        await asyncpg.connect(host=to["host"], port=to["port"], user="nobody", password="x", database=to["name"])
    except Exception as error:
        said.append(type(error).__name__)

async def main():
    global said
    connection = await asyncpg.connect(to["dsn"])
    said.append(await connection.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)"))
    await connection.executemany("INSERT INTO t VALUES ($1, $2)", [(n, "n%d" % n) for n in range(50)])
    said.append(await connection.execute("UPDATE t SET name = $2 WHERE id < $1", 3, "x"))
    said.append(await connection.execute("DELETE FROM t WHERE id = 49; DELETE FROM t WHERE id = 48"))
    said.append([await one(connection, n) for n in range(6)])
    said.append([tuple(row) for row in await connection.fetch("SELECT * FROM t ORDER BY id LIMIT 4")])
    said.append(tuple(await connection.fetchrow("SELECT * FROM t WHERE id = $1", 7)))
    said.append(await connection.fetchrow("SELECT * FROM t WHERE id = $1", 700))
    prepared = await connection.prepare("SELECT id FROM t WHERE id < $1")
    said.append([len(await prepared.fetch(n)) for n in (2, 3)])
    said.append([await prepared.fetchval(9), prepared.get_statusmsg()])
    insert = await connection.prepare("INSERT INTO t VALUES ($1, 'p')")
    await insert.executemany([(100,), (101,)])
    async with connection.transaction():
        said.append(len([row async for row in connection.cursor("SELECT id FROM t WHERE id < 20", prefetch=8)]))
        cursor = await connection.cursor("SELECT id FROM t WHERE id < $1", 10)
        said += [len(await cursor.fetch(4)), tuple(await cursor.fetchrow())]
        try:
            async with connection.transaction():
                await connection.execute("DELETE FROM t")
                raise KeyError("back")
        except KeyError:
            said.append("back")
        said.append([row["id"] async for row in prepared.cursor(3)])
    said.append(await connection.copy_records_to_table("t", records=[(200, "a"), (201, "b")]))
    for wrong in ("SELECT * FROM nothing", "SELEC"):
        for run in (connection.fetch, connection.execute):
            try:
                await run(wrong)
            except asyncpg.PostgresError as error:
                said.append([type(error).__name__, str(error)])
    await refused()
    await connection.close()
    try:
        await connection.fetch("SELECT 1")
    except asyncpg.InterfaceError as error:
        said.append(str(error))
    methods = [getattr(asyncpg.Connection, name) for name in ("execute", "executemany", "fetch")]
    said.append([[str(inspect.signature(method)), inspect.iscoroutinefunction(method)] for method in methods])
    pool = await asyncpg.create_pool(to["dsn"], min_size=1, max_size=1)
    async def held(n):
        async with pool.acquire() as taken:
            said.append(isinstance(taken, asyncpg.pool.PoolConnectionProxy))
            await taken.fetchval("SELECT pg_sleep(0.05), $1::int", n)
    await asyncio.gather(held(1), held(2))
    said.append(await pool.fetchval("SELECT count(*) FROM t"))
    await pool.close()
asyncio.run(main())
print(json.dumps(said, default=str))
"""
SQL = {
    "CREATE TABLE t (id INT PRIMARY KEY, name TEXT)": 1,
    "INSERT INTO t VALUES ($1, $2)": 1,
    "UPDATE t SET name = $2 WHERE id < $1": 1,
    "DELETE FROM t WHERE id = ?; DELETE FROM t WHERE id = ?": 1,
    "SELECT name FROM t WHERE id = $1": 6,
    "SELECT * FROM t ORDER BY id LIMIT ?": 1,
    "SELECT * FROM t WHERE id = $1": 2,
    "SELECT id FROM t WHERE id < $1": 5,
    "INSERT INTO t VALUES ($1, ?)": 1,
    "SELECT id FROM t WHERE id < ?": 1,
    "DELETE FROM t": 1,
    "COPY t FROM STDIN (FORMAT binary)": 1,
    "SELECT * FROM nothing": 2,
    "SELEC": 2,
    "SELECT pg_sleep(?), $1::int": 2,
    "SELECT count(*) FROM t": 1,
}


@pytest.mark.parametrize("environment", [None, OLD, NEW])
def test_each_statement_once(postgres: Database, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    said, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)], python)
    assert said[0] == "CREATE TABLE"
    assert counts(seen, "sql") == SQL
    assert counts(seen, "transaction") == {
        "BEGIN;": 1,
        "SAVEPOINT ?;": 1,
        "ROLLBACK TO ?;": 1,
        "COMMIT;": 1,
        "RESET ALL": 3,
    }
    assert rows(seen, "UPDATE", "sql") == [3]
    assert rows(seen, "DELETE FROM t", "sql") == [1, 50]
    assert rows(seen, "COPY", "sql") == [2]
    assert rows(seen, "SELECT name") == [1] * 6
    assert rows(seen, "SELECT * FROM t ORDER") == [4]
    assert rows(seen, "SELECT * FROM t WHERE") == [1], "the other one found nothing"
    assert rows(seen, "SELECT id FROM t WHERE id < $1") == [2, 3, 1, 4, 1, 3]
    assert rows(seen, "SELECT id FROM t WHERE id < ?") == [8, 8, 4]


def test_at_the_lines_that_await(postgres: Database, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)])
    assert lines(seen, "SELECT name", PROGRAM) == {
        'return await connection.fetchval("SELECT name FROM t WHERE id = $1", n)'
    }
    assert lines(seen, "COMMIT", PROGRAM) == {"async with connection.transaction():"}
    assert lines(seen, "RESET", PROGRAM) == {""}, "a task of its own: not where the loop was started"


def test_connections_and_waits_for_them(postgres: Database, tmp_path: Path) -> None:
    _, seen = seen_in(PROGRAM, tmp_path, lambda: [where(postgres)])
    (address,) = set(counts(seen, "connect")) - {"postgresql"}
    assert address.startswith(f"postgresql 127.0.0.1:{postgres.port}/perfkit_")
    assert counts(seen, "connect") == {address: 2, "postgresql": 1}, "one was refused"
    (wait,) = seen.of("pool")
    assert (seen.name(wait), wait.count) == (address, 1)
    first, second = seen.of("sql")[-3:-1]
    assert first.seconds / 2 < wait.seconds < first.seconds + second.seconds
    assert "async with pool.acquire() as taken:" in PROGRAM.splitlines()[seen.site(wait)[-2][2] - 1]
