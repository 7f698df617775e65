"""Plans of SQLite: without values, with functions that only the application has, and what is known of tables and indexes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perfkit.explain import ExplainOptions, Statement, connect, explain_all
from perfkit.explain.interface import Database as Explainer
from perfkit.model.plan import NotPlanned, Plan


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.create_collation("german", lambda one, other: (one > other) - (one < other))
    connection.executescript(
        """
        CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE book (id INTEGER PRIMARY KEY, author_id INT NOT NULL, title TEXT, pages INT);
        CREATE TABLE word (name TEXT COLLATE german PRIMARY KEY) WITHOUT ROWID;
        CREATE INDEX book_author ON book (author_id, pages);
        CREATE UNIQUE INDEX book_title ON book (lower(title)) WHERE pages > 100;
        WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO book SELECT i, i % 50, 't' || i, i FROM n;
        ANALYZE;
        """
    )
    connection.close()
    return path


@pytest.fixture
def explainer(file: Path) -> Iterator[Explainer]:
    database = connect(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM book b WHERE author_id = ? AND pages > ? ORDER BY title LIMIT ?",
        "SELECT * FROM book WHERE author_id = :author",
        "SELECT * FROM book WHERE author_id = %s",
        "SELECT * FROM book WHERE author_id = $author",
        "SELECT * FROM book WHERE author_id = @author",
        "SELECT * FROM book WHERE author_id = ?2 AND pages = ?1",
        "select * from book where author_id in (?)",
        "UPDATE book SET pages = ? WHERE author_id = ?",
        "DELETE FROM book WHERE author_id = ?",
        "SELECT application(title, ?) FROM book WHERE author_id = ?",
    ],
)
def test_without_values(explainer: Explainer, text: str) -> None:
    plan = explainer.explain(Statement(text, "f"))
    assert isinstance(plan, Plan), plan
    searches = [node for _, node in plan.root.walk() if node.index == "book_author"]
    assert len(searches) == 1 and searches[0].kind == "SEARCH" and searches[0].relation == "book"
    assert (plan.parameters, plan.tables, plan.fingerprint, plan.version) == (
        "generic",
        {"book": 1000},
        "f",
        sqlite3.sqlite_version,
    )
    assert {index.name for index in plan.indexes} == {"book_author", "book_title"}


def test_a_collation_that_only_the_application_has(explainer: Explainer) -> None:
    plan = explainer.explain(Statement("SELECT * FROM word WHERE name > 'a' ORDER BY name COLLATE other"))
    assert isinstance(plan, Plan)


def test_analyze_is_said_to_be_nothing(file: Path) -> None:
    (plan,) = explain_all([Statement("SELECT * FROM book")], f"sqlite:///{file}", ExplainOptions(analyze=True))
    assert isinstance(plan, Plan) and not plan.analyzed and "SQLite has no way" in plan.remarks[0]


def test_what_it_knows_of_tables_and_indexes(explainer: Explainer) -> None:
    table = explainer.table("book")
    assert table is not None and table.rows == 1000
    author = table.column("author_id")
    assert author is not None and author.distinct == 50 and not author.nullable
    indexes = {index.name: index for index in explainer.indexes("book")}
    assert indexes["book_author"].columns == ("author_id", "pages")
    assert (
        indexes["book_title"].unique
        and indexes["book_title"].partial == "pages > 100"
        and indexes["book_title"].columns == ("expression",)
    )
    assert explainer.table("nowhere") is None and explainer.indexes("nowhere") == ()
    empty = explainer.table("author")
    assert empty is not None and [column.name for column in empty.columns] == ["id", "name"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT * FROM nowhere", "no such table"),
        ("SELECT missing FROM book", "no such column"),
        ("SELECT * FORM book", "syntax error"),
        ("PRAGMA table_info(book)", "no plan"),
        ("INSERT INTO author VALUES (1, 'a')", "reads no table"),
        ("SELECT load_extension('a')", "not authorized"),
    ],
)
def test_why_there_is_no_plan(explainer: Explainer, text: str, why: str) -> None:
    answer = explainer.explain(Statement(text))
    assert isinstance(answer, NotPlanned) and why in answer.why and answer.remedy


def test_a_file_that_is_being_written(file: Path) -> None:
    with sqlite3.connect(file, isolation_level=None) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE more (a)")
        writer.execute("COMMIT")
        (plan,) = explain_all([Statement("SELECT * FROM more")], f"sqlite:///{file}")
        assert isinstance(plan, Plan) and plan.root.relation == "more"


def test_a_locked_file(file: Path) -> None:
    with sqlite3.connect(file, isolation_level=None) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        from perfkit.errors import PerfkitError

        with pytest.raises(PerfkitError, match="locked"):
            connect(f"sqlite:///{file}", ExplainOptions(lock_timeout=0.01))


@pytest.mark.parametrize("first", [0, 1, -5])
def test_rows_are_counted_from_the_first_rowid(tmp_path: Path, first: int) -> None:
    with closing(sqlite3.connect(tmp_path / "line.db")) as connection:
        connection.execute("CREATE TABLE line (id integer PRIMARY KEY)")
        connection.executemany("INSERT INTO line VALUES (?)", [(first + at,) for at in range(3000)])
        connection.commit()
    database = connect(f"sqlite:///{tmp_path / 'line.db'}")
    table = database.table("line")
    database.close()
    assert table is not None and table.rows == 3000
