"""SQLAlchemy over real drivers, synchronous and not: statements counted once, at the project's line, with how they were loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driver_runs import lines, rows, seen_in
from environments import LTS, NEW, OLD, OLDER, Environment, build

if TYPE_CHECKING:
    from databases import Database
    from probe_spool import Spooled

MODELS = """
import asyncio, json, sys, threading
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, text
from sqlalchemy.orm import deferred, joinedload, relationship, selectinload, sessionmaker
try:
    from sqlalchemy.orm import declarative_base
except ImportError:
    from sqlalchemy.ext.declarative import declarative_base

Base = declarative_base()

class Author(Base):
    __tablename__ = "author"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))

class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    title = Column(String(20))
    notes = deferred(Column(String(20)))
    author_id = Column(ForeignKey("author.id"))
    author = relationship(Author, backref="books")

def fill(session):
    session.add_all([Book(title="b%d" % n, author=Author(name="a%d" % n)) for n in range(5)])
    session.commit()

def late(session):
    books = session.query(Book).all()
    return [book.author.name for book in books]

def generated(session):
    return sorted(book.author.name for book in session.query(Book).all())

def collections(session):
    return sum(len(author.books) for author in session.query(Author).all())

def columns(session):
    return [book.notes for book in session.query(Book).all()]

def joined(session):
    return [book.author.name for book in session.query(Book).options(joinedload(Book.author)).all()]

def selected(session):
    return [book.author.name for book in session.query(Book).options(selectinload(Book.author)).all()]
"""
SYNC = (
    MODELS
    + """
from sqlalchemy.pool import QueuePool
engine = create_engine(sys.argv[1], pool_size=1, max_overflow=0, poolclass=QueuePool)
Base.metadata.create_all(engine)
session = sessionmaker(engine)()
fill(session)
said = []
for load in (late, generated, collections, columns, joined, selected):
    session.expunge_all()
    said.append(load(session))
session.close()
held, left = threading.Event(), threading.Event()

def wait():
    held.wait()
    threading.Timer(0.05, left.set).start()
    connection = engine.connect()
    connection.close()

waiting = threading.Thread(target=wait)
waiting.start()
connection = engine.connect()
held.set()
left.wait()
connection.close()
waiting.join()
print(json.dumps(said))
"""
)
ASYNC = (
    MODELS
    + """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

async def main():
    engine = create_async_engine(sys.argv[1])
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    said = []
    async with AsyncSession(engine) as session:
        await session.run_sync(fill)
        for load in (late, generated, collections, columns, joined, selected):
            session.expunge_all()
            said.append(await session.run_sync(load))
        session.expunge_all()
        found = (await session.execute(select(Book).order_by(Book.id))).scalars().all()
        said.append([(await session.get(Author, book.author_id)).name for book in found])
    await engine.dispose()
    print(json.dumps(said))

asyncio.run(main())
"""
)
COUNTS = {
    "late": (1, 5),
    "generated": (1, 5),
    "collections": (5, 1),
    "columns": (6, 0),
    "joined": (1, 0),
    "selected": (1, 1),
}
LATE = {
    "late": ["book.author.name", "__get__", "_load_for_state"],
    "generated": ["book.author.name", "__get__", "_load_for_state"],
    "collections": ["len(author.books)", "__get__", "_load_for_state"],
    "columns": ["book.notes", "__get__", "_load_for_state"],
}


def loaded(seen: Spooled, program: str) -> dict[str, tuple[int, int]]:
    """Statements about books and about authors, by the project's function that asked for them; the late ones checked."""
    source = program.splitlines()
    found = {name: [0, 0] for name in COUNTS}
    late = dict.fromkeys(COUNTS, 0)
    for span in seen.of("sql"):
        site = seen.site(span)
        own = [(function, line) for function, file, line in site if file.endswith("program.py")]
        names = [function.partition(".")[0] for function, _ in own if function.partition(".")[0] in COUNTS]
        text = seen.name(span)
        if names and text.startswith("SELECT"):
            found[names[-1]]["FROM author" in text] += 1
            others = [function.rpartition(".")[2] for function, file, _ in site if not file.endswith("program.py")]
            if "_load_for_state" in others:
                late[names[-1]] += 1
                code, *telling = LATE[names[-1]]
                assert code in source[own[-1][1] - 1]
                assert others == telling
    assert late == {"late": 5, "generated": 5, "collections": 5, "columns": 5, "joined": 0, "selected": 0}
    return {name: (books, authors) for name, (books, authors) in found.items()}


@pytest.mark.parametrize("driver", ["sqlite", "pymysql", "mysqldb", "psycopg", "psycopg2"])
def test_drivers(mariadb: Database, postgres: Database, driver: str, tmp_path: Path) -> None:
    if driver == "mysqldb":
        pytest.importorskip("MySQLdb", reason="mysqlclient is not installed")
    database = postgres if "psycopg" in driver else mariadb
    _, seen = seen_in(SYNC, tmp_path, lambda: [_address(database, driver, tmp_path)])
    assert loaded(seen, SYNC) == COUNTS


@pytest.mark.parametrize(
    ("driver", "environment"),
    [
        ("asyncpg", None),
        ("asyncpg", OLD),
        ("asyncpg", NEW),
        ("aiosqlite", None),
        ("aiosqlite", OLD),
        ("aiosqlite", NEW),
        ("psycopg", None),
        ("psycopg", NEW),
    ],
)
def test_asynchronous_drivers(postgres: Database, driver: str, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    said, seen = seen_in(ASYNC, tmp_path, lambda: [_address(postgres, driver, tmp_path)], python)
    assert said[-1] == [f"a{n}" for n in range(5)]
    assert loaded(seen, ASYNC) == COUNTS
    one_by_one = "said.append([(await session.get(Author, book.author_id)).name for book in found])"
    assert one_by_one in lines(seen, "SELECT author", ASYNC)
    assert "found = (await session.execute(select(Book).order_by(Book.id))).scalars().all()" in lines(
        seen, "SELECT book", ASYNC
    )


@pytest.mark.parametrize("environment", [OLDER, OLD, LTS, NEW])
def test_versions(mariadb: Database, environment: Environment, tmp_path: Path) -> None:
    said, seen = seen_in(SYNC, tmp_path, lambda: [_address(mariadb, "pymysql", tmp_path)], build(environment))
    assert said[2] == 5
    assert loaded(seen, SYNC) == COUNTS
    assert sum(rows(seen, "SELECT book.")) == 5 * 7, "the columns came twice"


@pytest.mark.parametrize("environment", [None, OLDER, OLD])
def test_a_wait_for_the_pool(mariadb: Database, environment: Environment | None, tmp_path: Path) -> None:
    python = build(environment) if environment else sys.executable
    _, seen = seen_in(SYNC, tmp_path, lambda: [_address(mariadb, "pymysql", tmp_path)], python)
    (span,) = seen.of("pool")
    assert seen.name(span).startswith(f"mysql 127.0.0.1:{mariadb.port}/perfkit_")
    assert span.count == 1
    assert 0.04 < span.seconds < 5
    assert seen.site(span)[0][0] == "wait"
    assert len(seen.of("connect")) == 1


def _address(database: Database, driver: str, folder: Path) -> str:
    """A database that nobody has used."""
    if "sqlite" in driver:
        scheme = "sqlite" if driver == "sqlite" else "sqlite+aiosqlite"
        taken = len(list(folder.glob("*.db")))
        (folder / f"{taken}.db").touch()
        return f"{scheme}:///{folder}/{taken}.db"
    return database.fresh().url(driver)
