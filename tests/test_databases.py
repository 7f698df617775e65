"""The database servers that other tests use answer through every driver, and are gone when their session is."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from databases import Database

pytestmark = pytest.mark.real
HOLD = """
import sys
from databases import mariadb, postgres

with {"postgresql": postgres, "mysql": mariadb}[sys.argv[1]]() as database:
    print(database.log, flush=True)
    sys.stdin.read()
"""


def login(database: Database) -> dict[str, Any]:
    return {"host": database.host, "port": database.port, "user": database.user, "password": database.password}


def ask(connection: Any, statement: str = "SELECT 1") -> Any:
    cursor = connection.cursor()
    cursor.execute(statement)
    return cursor.fetchone()[0]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_postgres_through_sync_drivers(postgres: Database, driver: str) -> None:
    module = import_module(driver)
    for address in (login(postgres), {**login(postgres), "host": str(postgres.socket)}):
        connection = module.connect(**address, dbname=postgres.name)
        assert ask(connection) == 1
        connection.close()
    connection = module.connect(postgres.dsn)
    assert ask(connection, "SHOW fsync") == "off"
    connection.close()


def test_postgres_through_async_drivers(postgres: Database) -> None:
    import asyncpg
    import psycopg

    async def both() -> tuple[Any, Any]:
        other = await asyncpg.connect(postgres.dsn)
        one = await psycopg.AsyncConnection.connect(postgres.dsn)
        async with one:
            answer = await (await one.execute("SELECT 1")).fetchone()
        value = await other.fetchval("SELECT 1")
        await other.close()
        return answer, value

    assert asyncio.run(both()) == ((1,), 1)


def test_postgres_through_a_pool(postgres: Database) -> None:
    import psycopg_pool

    with psycopg_pool.ConnectionPool(postgres.dsn, min_size=1) as pool, pool.connection() as connection:
        assert ask(connection) == 1


@pytest.mark.parametrize("driver", ["pymysql", "MySQLdb"])
def test_mariadb(mariadb: Database, driver: str) -> None:
    if find_spec(driver) is None:
        pytest.skip(f"{driver} is not installed")
    module = import_module(driver)
    for address in (login(mariadb), {**login(mariadb), "host": "localhost", "unix_socket": str(mariadb.socket)}):
        connection = module.connect(**address, database=mariadb.name)
        assert ask(connection) == 1
        connection.close()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_postgres_through_sqlalchemy(postgres: Database, driver: str) -> None:
    assert asyncio.run(through_sqlalchemy(postgres.url(driver))) == 1


@pytest.mark.parametrize("driver", ["pymysql"])
def test_mariadb_through_sqlalchemy(mariadb: Database, driver: str) -> None:
    assert asyncio.run(through_sqlalchemy(mariadb.url(driver))) == 1


def test_sqlite_through_sqlalchemy(tmp_path: Path) -> None:
    assert asyncio.run(through_sqlalchemy(f"sqlite+aiosqlite:///{tmp_path}/db")) == 1


async def through_sqlalchemy(url: str) -> Any:
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    statement = sqlalchemy.text("SELECT 1")
    if "+aio" in url or "+asyncpg" in url:
        async_engine = create_async_engine(url)
        async with async_engine.connect() as open_one:
            answer = (await open_one.execute(statement)).scalar()
        await async_engine.dispose()
        return answer
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        answer = connection.execute(statement).scalar()
    engine.dispose()
    return answer


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_fresh_databases_are_apart(request: pytest.FixtureRequest, kind: str) -> None:
    database: Database = request.getfixturevalue(kind)
    for each in (database.fresh(), database.fresh()):
        with connect(each) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE TABLE book (id int)")
            connection.commit()
            assert ask(connection, "SELECT count(*) FROM book") == 0


def connect(database: Database) -> Any:
    import psycopg
    import pymysql

    if database.kind == "mysql":
        return pymysql.connect(**login(database), database=database.name)
    return psycopg.connect(database.dsn)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_server_ends_with_its_session(kind: str) -> None:
    with hold(kind) as session:
        log = Path(session.stdout.readline().strip())
        (server,) = psutil.Process(session.pid).children()
        assert log.exists()
        session.stdin.close()
        assert psutil.wait_procs([server], timeout=60)[1] == []
    assert not log.parent.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process that its parent died")
@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_server_ends_with_a_killed_session(kind: str) -> None:
    with hold(kind) as session:
        log = Path(session.stdout.readline().strip())
        (server,) = psutil.Process(session.pid).children()
        os.kill(session.pid, signal.SIGKILL)
        assert psutil.wait_procs([server], timeout=60)[1] == []
    shutil.rmtree(log.parent)


def hold(kind: str) -> subprocess.Popen[str]:
    """A program that has such a server until its standard input ends; it prints the path of the server's log."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    words = [sys.executable, "-c", HOLD, kind]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
