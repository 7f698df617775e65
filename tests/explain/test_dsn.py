"""What --dsn takes, and what it says where it leads nowhere: two lines without a password in them."""

from __future__ import annotations

import builtins
import os
import re
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from databases import Database
from perfkit.errors import PerfkitError
from perfkit.explain import ExplainOptions, Statement, connect, explain_all
from perfkit.explain.dsn import parse
from perfkit.model.plan import Plan

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "kind", "host", "port", "database"),
    [
        ("postgresql://u:hunter2@db.example:5433/shop", "postgresql", "db.example", 5433, "shop"),
        ("postgres://db/shop?sslmode=require", "postgres", "db", None, "shop"),
        ("postgresql+psycopg://u@db/shop", "postgresql", "db", None, "shop"),
        ("postgresql://u@one:1,two:2/shop", "postgresql", "", None, ""),
        ("host=db dbname=shop password=hunter2", "postgresql", "", None, ""),
        ("mysql://u:hunter2@db:3307/shop", "mysql", "db", 3307, "shop"),
        ("mysql+pymysql://u@[::1]:3307/shop", "mysql", "::1", 3307, "shop"),
        ("MariaDB://u@db/a%20b", "mariadb", "db", None, "a b"),
        ("sqlite:///shop.db", "sqlite", "", None, "shop.db"),
        ("sqlite:////var/lib/shop%20one.db?mode=ro", "sqlite", "", None, "/var/lib/shop one.db"),
        ("sqlite+aiosqlite:///shop.db", "sqlite", "", None, "shop.db"),
    ],
)
def test_read(text: str, kind: str, host: str, port: int | None, database: str) -> None:
    dsn = parse(text)
    assert (dsn.kind, dsn.host, dsn.port, dsn.database) == (kind, host, port, database)
    assert SECRET not in repr(dsn) + dsn.shown


def test_what_is_escaped_is_read_back() -> None:
    dsn = parse("mysql://us%40er:p%2Fa%3Ass@db/shop")
    assert (dsn.user, dsn.password) == ("us@er", "p/a:ss")


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "hunter2", "/var/lib/shop.db", "oracle://u:hunter2@db/shop", "postgre://u:hunter2@db/shop", "mysql://u:hunter2@db:port/shop",
        "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://shop.db", "sqlite:/shop.db", "postgresql://u:hunter2@db\0/shop", "http:////",
        "mysql://[::1/shop", "postgresql:",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(PerfkitError) as raised:
        parse(text)
    _two_lines(raised.value)


def test_nearest_scheme() -> None:
    with pytest.raises(PerfkitError, match="postgre") as raised:
        parse("postgre://db/shop")
    assert "postgres" in raised.value.hint


def _two_lines(error: PerfkitError) -> None:
    assert error.message and error.hint
    assert "\n" not in error.message + error.hint
    assert SECRET not in error.message + error.hint


def _closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_nobody_listens(scheme: str) -> None:
    with pytest.raises(PerfkitError, match="cannot be reached") as raised:
        connect(f"{scheme}://u:{SECRET}@127.0.0.1:{_closed_port()}/shop")
    _two_lines(raised.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_somebody_else_answers(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PerfkitError) as raised:
            connect(f"{scheme}://u:{SECRET}@127.0.0.1:{port}/shop", ExplainOptions(connect_timeout=1))
    _two_lines(raised.value)


@pytest.mark.parametrize(
    "text", ["postgresql://u:hunter2@db:notaport/x", "host=db password='hunter2", "host=db nonsense=hunter2"]
)
def test_libpq_cannot_read_it(text: str) -> None:
    with pytest.raises(PerfkitError) as raised:
        connect(text)
    _two_lines(raised.value)


NASTY = (
    "SECRETpw%00", "SECRETpw%zz", "SECRET%", "Sec@retpw", "@SECRET", "ret#9pw", "ret/9pw", "ret?9pw", "uno7:dos8", "uno7:dos8@tres9", "in vqalqid", "abc@def/ghi",
    "abc/def@ghi", "abc?def@ghi/jkl", "abc#def@ghi", "123/456", "5432/abc@xyz", "[abc]def", "abc[def", "%40abc%2Fdef", "abc&def=ghi", "abc,def", "abc@de,fgh", "abc\\def",
    "'abcdef", "abc;def", "größe@größe", "\udcffabc", "abc\tdef", "a..bcd@..efg", "abc@" + "long" * 80,
)  # fmt: skip


@pytest.mark.parametrize("password", NASTY)
@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb+pymysql"])
@pytest.mark.parametrize(
    "tail", ["@127.0.0.1:{port}/db", "@127.0.0.1/db?connect_timeout=2&port={port}", "", "@nohost.invalid/db"]
)
def test_no_message_shows_a_piece_of_a_password(scheme: str, password: str, tail: str) -> None:
    if not tail and re.search("[@/?]", password):
        return  # a host like any other
    texts = []
    text = f"{scheme}://u:{password}{tail.format(port=_closed_port())}"
    for reading in (parse, connect):
        try:
            texts.append(repr(reading(text)))
        except PerfkitError as error:
            texts += [error.message, error.hint]
    shown = "\n".join(texts)
    pieces = [piece for piece in re.split(r"[^\w]|%[0-9A-F]{2}", password) if len(piece) >= 3]
    assert pieces and len(texts) > 1
    assert not [piece for piece in pieces if piece in shown], shown


def test_the_last_at_parts_the_password_from_the_host() -> None:
    dsn = parse("mysql://us@er:Sec@ret#p?w@db:3307/shop")
    assert (dsn.user, dsn.password) == ("us@er", "Sec@ret#p?w")
    assert (dsn.host, dsn.port, dsn.database) == ("db", 3307, "shop")
    import psycopg.conninfo

    read = psycopg.conninfo.conninfo_to_dict(parse("postgresql://u:Sec@ret#p?w@db/shop").conninfo)
    assert (read["user"], read["password"], read["host"], read["dbname"]) == ("u", "Sec@ret#p?w", "db", "shop")


@pytest.mark.parametrize(
    "text",
    [
        "mysql://u:a/b@db/shop",
        "postgresql://u:a/b@db/shop",
        "postgresql://u:a%00b@db/shop",
        "postgresql://db?password=a@b",
        "postgresql://u@db:1/shop?password=a@b",
        "mysql://u:c@db?password=a@b",
    ],
)
def test_an_ambiguous_password_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(PerfkitError) as raised:
        parse(text)
    assert "%2F" in raised.value.hint and "%25" in raised.value.hint


@pytest.mark.real
@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_wrong_password_and_wrong_database(request: pytest.FixtureRequest, kind: str) -> None:
    database: Database = request.getfixturevalue(kind)
    for wrong in (
        replace(database, password=SECRET),
        replace(database, name="nowhere"),
        replace(database, user="nobody", password=SECRET),
    ):
        with pytest.raises(PerfkitError) as raised:
            explain_all([], wrong.dsn)
        _two_lines(raised.value)
        assert "check" in raised.value.hint or "--dsn" in raised.value.hint


@pytest.mark.real
def test_password_from_the_environment(postgres: Database, mariadb: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for database, name in ((postgres, "PGPASSWORD"), (mariadb, "MYSQL_PWD")):
        monkeypatch.setenv(name, database.password)
        dsn = f"{database.kind}://{database.user}@{database.host}:{database.port}/{database.name}"
        connect(dsn).close()
    words = f"host={postgres.host} port={postgres.port} user={postgres.user} dbname={postgres.name}"
    connect(words).close()


@pytest.mark.real
def test_sockets(postgres: Database, mariadb: Database) -> None:
    from urllib.parse import quote

    password = quote(postgres.password, safe="")
    connect(
        f"postgresql://{postgres.user}:{password}@/{postgres.name}?host={postgres.socket}&port={postgres.port}"
    ).close()
    connect(f"mysql://{mariadb.user}:{password}@localhost/{mariadb.name}?unix_socket={mariadb.socket}").close()


@pytest.mark.parametrize(
    ("scheme", "module", "extra"), [("postgresql", "psycopg", "postgres"), ("mariadb", "pymysql", "mysql")]
)
@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("/home/me/.local/share/pipx/venvs/perfkit", "pipx inject perfkit"),
        ("/home/me/.local/share/uv/tools/perfkit", "uv tool install --with"),
        ("/venv", "pip install"),
    ],
)
def test_without_the_driver(
    monkeypatch: pytest.MonkeyPatch, scheme: str, module: str, extra: str, prefix: str, words: str
) -> None:
    original = builtins.__import__
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(sys, "prefix", prefix)
    assert builtins.__import__ is original
    with pytest.raises(PerfkitError, match=f"{module} is not installed") as raised:
        connect(f"{scheme}://u:{SECRET}@db/shop")
    _two_lines(raised.value)
    assert words in raised.value.hint and (f"perfkit[{extra}]" in raised.value.hint or module in raised.value.hint)


@pytest.mark.parametrize(
    "content", [None, b"", b"SQLite format 3", b"not a database at all", b"SQLite format 3\0" + b"\xff" * 100]
)
def test_no_sqlite_file(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "shop.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PerfkitError) as raised:
        connect(f"sqlite:///{file}")
    _two_lines(raised.value)
    assert file.exists() == (content is not None)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(PerfkitError, match="cannot be read"):
        connect(f"sqlite:///{tmp_path}")


def test_odd_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    monkeypatch.chdir(tmp_path)
    for name in ("a b.db", "a#b.db", "größe.db", "100%.db"):
        connection: Any = sqlite3.connect(os.fspath(tmp_path / name))
        connection.execute("CREATE TABLE t (a)")
        connection.close()
        (plan,) = explain_all([Statement("SELECT * FROM t")], f"sqlite:///{name.replace('%', '%25')}")
        assert isinstance(plan, Plan) and plan.root.relation == "t"
