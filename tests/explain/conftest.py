"""Real servers of two generations, with a role that may do what an application may, and no more."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

import databases
from databases import PASSWORD, USER, Database

DEBIAN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def postgres15() -> Iterator[Database]:
    """PostgreSQL 15 from Debian: the last generation without GENERIC_PLAN."""
    if not (DEBIAN / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    with databases._folder("postgres15") as folder:
        data, password = folder / "data", folder / "password"
        password.write_text(PASSWORD)
        how = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}", "--locale=C", "--encoding=UTF8")
        databases._do(DEBIAN / "initdb", f"--pgdata={data}", *how, "--no-sync")

        def words(port: int) -> list[str]:
            settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "shared_buffers": "32MB"}
            careless = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
            given = [f"--{name}={value}" for name, value in {**settings, **careless}.items()]
            return [str(DEBIAN / "postgres"), "-D", str(data), "-p", str(port), *given]

        with databases._server(words, folder / "log", "ready to accept connections", signal.SIGINT) as port:
            yield Database("postgresql", port, folder, folder / "log", "postgres").fresh(USER)


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Database:
    """An empty database of PostgreSQL 15, and then of 18, of this module's own."""
    database: Database = request.getfixturevalue("postgres15" if request.param == "15" else "postgres")
    return database.fresh()


@pytest.fixture(scope="module")
def ordinary(server: Database) -> Database:
    """The same database for a role that is no superuser."""
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE ordinary_{server.name} LOGIN PASSWORD '{PASSWORD}'")
        admin.execute(f"GRANT ALL ON SCHEMA public TO ordinary_{server.name}")
    return replace(server, user=f"ordinary_{server.name}")


@pytest.fixture
def admin(server: Database) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection that commits each statement."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def psql() -> str:
    found = shutil.which("psql") or (str(DEBIAN / "psql") if (DEBIAN / "psql").exists() else "")
    if not found:
        pytest.skip("psql is not installed")
    return found
