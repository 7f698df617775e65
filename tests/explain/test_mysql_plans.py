"""Plans of a real MariaDB: seconds add up, aliases are tables again, and what goes wrong is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from databases import Database
from perfkit.explain import ExplainOptions, Statement, connect, explain_all, read_plan, redacted
from perfkit.explain.advice import advised
from perfkit.explain.interface import Database as Explainer
from perfkit.model.plan import NotPlanned, Plan

pytestmark = pytest.mark.real

STATEMENTS = {
    "scan": "SELECT * FROM book WHERE pages > 10 AND title LIKE 'a%'",
    "ref": "SELECT b.title FROM book b WHERE b.author_id = 7 ORDER BY b.title",
    "const": "SELECT * FROM book WHERE id = 5",
    "join": "SELECT a.name, count(*) FROM author a JOIN book AS b ON b.author_id = a.id JOIN author a2 ON a2.id = b.pages WHERE b.pages > 20 GROUP BY a.name",
    "derived": "SELECT * FROM (SELECT author_id, max(pages) p FROM book GROUP BY author_id HAVING p > 3) d JOIN author a ON a.id = d.author_id",
    "subquery": "SELECT a.*, (SELECT max(pages) FROM book b WHERE b.author_id = a.id) FROM author a",
    "exists": "SELECT * FROM author a WHERE EXISTS (SELECT 1 FROM book b WHERE b.author_id = a.id AND b.pages = 5)",
    "union": "SELECT id FROM book WHERE id < 5 UNION SELECT id FROM author ORDER BY 1",
    "sorted_file": "SELECT b.title, a.name FROM book b STRAIGHT_JOIN author a ON a.id = b.author_id WHERE b.pages > 3 ORDER BY b.title",
    "in_select": "SELECT id IN (SELECT pages FROM book WHERE title LIKE 'a%') FROM author ORDER BY id LIMIT 4",
    "block": "SELECT count(*) FROM book a JOIN book b ON a.pages = b.pages WHERE a.id < 50 AND b.id < 50",
    "quotes": "SELECT * FROM book WHERE title = '\\'a\\\\\"b' AND pages > 3",
}


@pytest.fixture(scope="module")
def shop(mariadb: Database) -> Database:
    database = mariadb.fresh()
    with _open(database) as connection, connection.cursor() as cursor:
        for text in (
            "CREATE TABLE author (id int PRIMARY KEY, name varchar(50))",
            "CREATE TABLE book (id int PRIMARY KEY AUTO_INCREMENT, author_id int, title varchar(100), pages int, KEY (author_id), KEY part (title(10), pages))",
            "INSERT INTO author SELECT seq, concat('author ', seq) FROM seq_1_to_200",
            "INSERT INTO book(author_id, title, pages) SELECT 1 + seq % 200, md5(seq), seq % 500 FROM seq_1_to_10000",
            "ANALYZE TABLE author, book",
            "CREATE VIEW long_books AS SELECT id, upper(title) AS title FROM book WHERE pages > 400",
        ):
            cursor.execute(text)
            cursor.fetchall()
    return database


def _open(database: Database) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.name,
        autocommit=True,
    )


@pytest.fixture
def explainer(shop: Database) -> Iterator[Explainer]:
    database = connect(shop.dsn)
    yield database
    database.close()


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("analyze", [False, True], ids=["explain", "analyze"])
def test_seconds_add_up_and_aliases_are_tables(explainer: Explainer, name: str, analyze: bool) -> None:
    plan = explainer.explain(Statement(STATEMENTS[name]), analyze)
    assert isinstance(plan, Plan), plan
    assert (plan.system, plan.analyzed, plan.parameters) == ("mariadb", analyze, "literal")
    nodes = [node for _, node in plan.root.walk()]
    assert {node.relation for node in nodes} - {None} <= {"book", "author"} == set(plan.tables) | {"book", "author"}
    own = [node.own_seconds for node in nodes if node.own_seconds is not None]
    if analyze and plan.execution_seconds is not None:
        assert sum(own) == pytest.approx(plan.root.seconds, rel=1e-6)
        assert plan.root.seconds == pytest.approx(plan.execution_seconds, rel=0.25)
    named = re.findall("(?:FROM|JOIN) (?:book|author)", STATEMENTS[name])
    assert len([node for node in nodes if node.relation]) >= len(named)
    assert (own == []) != analyze or name == "const"
    assert redacted(plan).root.kind == plan.root.kind
    assert read_plan(plan.raw).root.kind == plan.root.kind


def test_rows_are_of_one_loop(explainer: Explainer) -> None:
    plan = explainer.explain(
        Statement("SELECT * FROM author a JOIN book b ON b.author_id = a.id WHERE b.pages < 250"), analyze=True
    )
    assert isinstance(plan, Plan)
    inner = next(node for _, node in plan.root.walk() if node.index == "author_id")
    assert (inner.loops, inner.examined, inner.rows, inner.removed) == (200, 50, 25, 25)
    join = next(node for _, node in plan.root.walk() if node.kind == "nested_loop")
    assert join.rows == 5000


def test_values_and_their_absence(explainer: Explainer) -> None:
    text = "SELECT * FROM book WHERE author_id = ? LIMIT ?"
    plan = explainer.explain(Statement(text, parameters=("7", "3")))
    assert isinstance(plan, Plan) and plan.parameters == "given" and plan.root.index == "author_id"
    for statement in (
        Statement("SELECT * FROM book WHERE lower(title) = ?", "f"),
        Statement("SELECT ? FROM book", "f"),
    ):
        answer = explainer.explain(statement)
        assert isinstance(answer, NotPlanned) and "not known" in answer.why and "--keep-literals" in answer.remedy


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "'; DELETE FROM book -- ", "\\' OR 1 -- ", '"', "x" * 100_000])
def test_any_value(explainer: Explainer, value: str) -> None:
    answer = explainer.explain(
        Statement("SELECT * FROM book WHERE title = ? AND pages = 3", parameters=(value,)), analyze=True
    )
    assert isinstance(answer, NotPlanned) == (value == "\ud800"), answer
    assert isinstance(explainer.explain(Statement("SELECT count(*) FROM book"), analyze=True), Plan)


USUAL = {
    "SELECT * FROM book WHERE author_id = ?": "author_id",
    "SELECT * FROM book b WHERE b.author_id = ? AND pages > ? ORDER BY title LIMIT ?": "author_id",
    "select * from book where author_id in (?) limit ?, ?": "author_id",
    "select * from book where id not in (?) and ? = author_id": "author_id",
    "select a.name from author a join book on book.author_id = a.id where a.id = %s and name = %s": "PRIMARY",
    "UPDATE book SET pages = ? WHERE `author_id` = ?": "author_id",
    "DELETE FROM book WHERE author_id = :author AND pages <> :pages": "author_id",
}


@pytest.mark.parametrize("text", USUAL)
def test_a_usual_value_of_the_column(explainer: Explainer, text: str) -> None:
    plan = explainer.explain(Statement(text), analyze=True)
    assert isinstance(plan, Plan), plan
    assert plan.parameters == "generic" and not plan.analyzed
    assert len(plan.remarks) == 2 and "was not run" in plan.remarks[0] and "usual row" in plan.remarks[1]
    assert USUAL[text] in {node.index for _, node in plan.root.walk()}
    usual = next(node for _, node in plan.root.walk() if node.index == USUAL[text])
    assert (usual.examined or 0) <= 50  # rows of one author


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM book WHERE title = ?",
        "SELECT * FROM book WHERE title IN (?, ?) AND pages > 3",
        "SELECT * FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ? AND b.title = ? ORDER BY b.pages",
        "UPDATE book SET pages = 3 WHERE title = ?",
        "SELECT * FROM (SELECT author_id, max(pages) p FROM book WHERE title = ? GROUP BY author_id) d WHERE p <> 7",
    ],
)
def test_values_of_a_usual_row_are_nowhere_to_be_seen(explainer: Explainer, text: str) -> None:
    answer = explainer.explain(Statement(text))
    assert isinstance(answer, Plan), answer
    plan = advised(explainer, Statement(text), answer)
    shown = repr(plan)
    assert not re.search(r"[0-9a-f]{32}|'author ", shown), shown
    assert plan.text == text and any(remark.endswith("which are not shown") for remark in plan.remarks)
    assert "title" in plan.raw


@pytest.mark.parametrize(
    "where",
    ["title LIKE ?", "id BETWEEN ? AND ?", "id + pages = ?", "pages = ? + id", "nothing = ?", "lower(title) = ?"],
)
def test_what_no_row_can_tell(explainer: Explainer, where: str) -> None:
    answer = explainer.explain(Statement(f"SELECT * FROM book WHERE {where}"))
    assert isinstance(answer, NotPlanned) and "not known" in answer.why


def test_an_insert_needs_no_usual_values(explainer: Explainer) -> None:
    plan = explainer.explain(Statement("insert into book (author_id, title, pages) values (?)"))
    assert isinstance(plan, Plan) and plan.parameters == "generic"


def test_writes_are_planned_and_not_run(explainer: Explainer, shop: Database) -> None:
    for text in (
        "UPDATE book SET pages = 1 WHERE author_id = 7",
        "DELETE FROM book WHERE id = 3",
        "SELECT * FROM book WHERE id = 3 FOR UPDATE",
    ):
        plan = explainer.explain(Statement(text), analyze=True)
        assert isinstance(plan, Plan) and not plan.analyzed and "was not run" in plan.remarks[0]
    with _open(shop) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(pages = 1) FROM book")
        assert cursor.fetchall() == ((10_000, 20),)


def test_a_view_that_calls_nothing_else(explainer: Explainer) -> None:
    plan = explainer.explain(Statement("SELECT * FROM long_books WHERE id < 10"), analyze=True)
    assert isinstance(plan, Plan) and plan.analyzed and plan.root.rows is not None


def test_what_it_knows_of_tables_and_indexes(explainer: Explainer) -> None:
    table = explainer.table("book")
    assert table is not None and table.rows is not None and 8_000 < table.rows < 12_000
    author = table.column("author_id")
    assert author is not None and 100 < (author.distinct or 0) < 1000
    indexes = {index.name: index for index in explainer.indexes("book")}
    assert indexes["PRIMARY"].primary and indexes["PRIMARY"].unique and not indexes["author_id"].unique
    assert indexes["part"].columns == ("title(10)", "pages")
    assert explainer.table("nowhere") is None and explainer.indexes("nowhere") == ()
    assert explainer.rows("SELECT nonsense") == [] and explainer.rows("SELECT %s", (1,)) == [(1,)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT * FROM nowhere", "doesn't exist"),
        ("SELECT nothing FROM book", "Unknown column"),
        ("SELECT * FORM book", "error in your SQL syntax"),
        ("SELECT * FROM nowhere.book", "doesn't exist"),
        ("SELECT * FROM book ORDER BY ?", "number of a column"),
    ],
)
def test_why_there_is_no_plan(explainer: Explainer, text: str, why: str) -> None:
    answer = explainer.explain(Statement(text))
    assert isinstance(answer, NotPlanned) and why in answer.why and answer.remedy and "\n" not in answer.why


def test_permission_denied(shop: Database) -> None:
    root = pymysql.connect(unix_socket=str(shop.socket), user="root", autocommit=True)
    with root as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER limited@'127.0.0.1' IDENTIFIED BY '{shop.password}'")
        cursor.execute(f"GRANT SELECT ON {shop.name}.author TO limited@'127.0.0.1'")
    limited = replace(shop, user="limited")
    one, other, view = explain_all(
        [Statement("SELECT * FROM author"), Statement("SELECT * FROM book"), Statement("SELECT * FROM long_books")],
        limited.dsn,
    )
    assert isinstance(one, Plan)
    for answer in (other, view):
        assert isinstance(answer, NotPlanned) and "denied" in answer.why and "SELECT" in answer.remedy


def test_a_long_run_ends(shop: Database) -> None:
    text = "SELECT count(*) FROM book a, book b, book c WHERE a.pages + b.pages = c.pages + 1"
    (answer,) = explain_all([Statement(text)], shop.dsn, ExplainOptions(analyze=True, statement_timeout=0.2))
    assert isinstance(answer, NotPlanned) and "max_statement_time" in answer.why


def test_the_server_goes_in_the_middle(shop: Database) -> None:
    def statements() -> Iterator[Statement]:
        yield Statement("SELECT * FROM book WHERE id = 1", "a")
        with _open(shop) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = %s AND id <> connection_id()", (shop.name,)
            )
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")
        yield Statement("SELECT * FROM book WHERE id = 2", "b")
        yield Statement("SELECT * FROM book WHERE id = 3", "c")

    first, second, third = explain_all(statements(), shop.dsn)
    assert isinstance(first, Plan)
    for answer, fingerprint in ((second, "b"), (third, "c")):
        assert isinstance(answer, NotPlanned)
        assert answer.fingerprint == fingerprint and "ended the connection" in answer.why


def test_statements_of_another_system(shop: Database) -> None:
    mysql, postgres = explain_all(
        [Statement("SELECT 1", system="mysql"), Statement("SELECT 1", system="postgresql")], shop.dsn
    )
    assert isinstance(mysql, Plan)
    assert isinstance(postgres, NotPlanned) and "postgresql" in postgres.why
