"""aiosqlite, whose statements run in another thread: in the request and at the line that await them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from driver_runs import counts, lines, rows, seen_in
from environments import NEW, OLD, Environment, build

PROGRAM = """
import asyncio, aiosqlite, inspect, json
try:
    from perfkit_probe import requests
except ImportError:
    requests = None
said = []

async def work(db, n):
    if requests:
        request = requests.Request(requests.ASGI, "GET /%d" % n)
        requests.current.set(request)
    async with db.execute("SELECT a FROM t WHERE a > ?", (n,)) as cursor:
        found = [row async for row in cursor]
    cursor = await db.execute("SELECT a FROM t")
    found += [await cursor.fetchone(), await cursor.fetchone()]
    await cursor.close()
    found += await db.execute_fetchall("SELECT 5")
    await db.execute("INSERT INTO t VALUES (9)")
    await db.commit()
    if requests:
        request.end()
    return len(found)

async def main():
    async with aiosqlite.connect(":memory:") as db:
        await db.execute("CREATE TABLE t (a)")
        await db.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(5)])
        await db.commit()
        said.append(await asyncio.gather(work(db, 1), work(db, 2)))
        try:
            await db.execute("SELEC")
        except Exception as error:
            said.append([type(error).__name__, str(error)])
        slow = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000) SELECT max(n) FROM c"
        task = asyncio.ensure_future(db.execute_fetchall(slow))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            said.append("cancelled")
        said.append(await db.execute_fetchall("SELECT count(*) < 9 FROM t"))
        said.append(inspect.iscoroutinefunction(aiosqlite.Connection._execute))
    try:
        await db.execute("SELECT 1")
    except ValueError as error:
        said.append(str(error))
asyncio.run(main())
print(json.dumps(said))
"""


@pytest.mark.parametrize("environment", [None, OLD, NEW])
def test_in_the_request_and_at_the_line(environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    _, seen = seen_in(PROGRAM, tmp_path, list, python)
    assert counts(seen, "sql") == {
        "CREATE TABLE t (a)": 1,
        "INSERT INTO t VALUES (?)": 3,
        "SELECT a FROM t WHERE a > ?": 2,
        "SELECT a FROM t": 2,
        "SELECT ?": 2,
        "SELEC": 1,
        "WITH RECURSIVE c(n) AS (SELECT ? UNION ALL SELECT n + ? FROM c WHERE n < ?) SELECT max(n) FROM c": 1,
        "SELECT count(*) < ? FROM t": 1,
    }
    assert counts(seen, "transaction")["COMMIT"] in (2, 3), "one may commit what the other has begun"
    read = [n for n in rows(seen, "SELECT a FROM t WHERE") if n >= 0]
    assert sorted(read) == [2, 3]
    assert sorted(n for n in rows(seen, "SELECT a FROM t") if n > 0) == [2, 2, 2, 3]
    for number in (request.number for request in seen.requests):
        own = [
            seen.name(span)
            for span in seen.of("sql", "fetch")
            if span.request == number and (span.kind == "sql" or span.count is not None)
        ]
        assert sorted(own) == sorted(
            ["SELECT a FROM t WHERE a > ?", "SELECT a FROM t", "SELECT ?"] * 2 + ["INSERT INTO t VALUES (?)"]
        )
    assert len(seen.requests) == 2
    assert lines(seen, "SELECT a FROM t WHERE", PROGRAM) == {
        'async with db.execute("SELECT a FROM t WHERE a > ?", (n,)) as cursor:'
    }
    assert lines(seen, "COMMIT", PROGRAM) == {"await db.commit()"}
    (connect,) = seen.of("connect")
    assert "async with aiosqlite.connect" in PROGRAM.splitlines()[seen.site(connect)[0][2] - 1]


BUSY = """
import asyncio, time, aiosqlite

async def main():
    async with aiosqlite.connect(":memory:") as db:
        task = asyncio.ensure_future(db.execute_fetchall("SELECT 1"))
        await asyncio.sleep(0)
        time.sleep(0.2)   # the answer is there long before the loop hands it over
        await task
        await db.execute_fetchall("SELECT 1, 2")
asyncio.run(main())
print("[]")
"""


def test_a_statement_lasts_until_its_answer_is_taken(tmp_path: Path) -> None:
    _, seen = seen_in(BUSY, tmp_path, list, sys.executable)
    seconds = {seen.name(span): span.seconds for span in seen.of("sql")}
    assert seconds["SELECT ?"] > 5 * seconds["SELECT ?, ?"]
