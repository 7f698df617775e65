"""PostgreSQL's plans: as JSON and as text they are the same tree, seconds add up, and a plan without values is an honest one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from databases import Database
from perfkit.explain import ExplainOptions, Statement, connect, explain_all, read_plan, redacted
from perfkit.explain.interface import Database as Explainer
from perfkit.model.plan import NotPlanned, Plan, PlanNode

pytestmark = pytest.mark.real

STATEMENTS = {
    "scan": "SELECT * FROM book WHERE title LIKE 'a%' AND pages > 10",
    "index": "SELECT b.title FROM book b WHERE b.author_id = 7 AND pages > 3 ORDER BY b.id DESC LIMIT 3",
    "bitmap": "SELECT * FROM book WHERE author_id IN (1, 2, 3)",
    "join": "SELECT a.name, count(*) FROM author a LEFT JOIN book b ON b.author_id = a.id AND b.pages > 20 GROUP BY a.name ORDER BY 2",
    "spill": "SELECT * FROM book ORDER BY title || pages",
    "hash_spill": "SELECT title || pages AS t, count(*) FROM book GROUP BY 1",
    "cte": "WITH big AS MATERIALIZED (SELECT author_id, count(*) n FROM book GROUP BY 1) SELECT * FROM big x JOIN big y USING (author_id) WHERE x.n > 3",
    "initplan": "SELECT * FROM book WHERE author_id = (SELECT max(id) FROM author) AND pages = (SELECT min(pages) FROM book WHERE id < 5)",
    "subplan": "SELECT a.*, (SELECT max(pages) FROM book b WHERE b.author_id = a.id) FROM author a",
    "exists": "SELECT * FROM author a WHERE NOT EXISTS (SELECT FROM book b WHERE b.author_id = a.id AND b.pages = 5)",
    "union": "SELECT id FROM book WHERE id < 5 UNION SELECT id FROM author UNION ALL SELECT generate_series FROM generate_series(1, 3)",
    "window": "SELECT id, rank() OVER (PARTITION BY author_id ORDER BY pages) FROM book",
    "parts": "SELECT * FROM measure WHERE at = 15",
    "odd_names": 'SELECT * FROM "Odd Schema"."Odd ""Table" WHERE "A b" = 3',
    "values": "SELECT * FROM (VALUES (1), (2)) v(a) JOIN book ON book.id = v.a",
    "never": "SELECT * FROM author a JOIN book b ON b.author_id = a.id WHERE a.name = 'nobody'",
    "one_time": "SELECT * FROM book WHERE 1 = 2",
}


@pytest.fixture(scope="module")
def library(server: Database, ordinary: Database) -> Iterator[Explainer]:
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        for text in (
            "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL)",
            "CREATE TABLE book (id serial PRIMARY KEY, author_id int REFERENCES author, title text, pages int, at timestamptz, data jsonb)",
            "INSERT INTO author(name) SELECT 'author ' || g FROM generate_series(1, 200) g",
            "INSERT INTO book(author_id, title, pages, at) SELECT 1 + g % 200, md5(g::text), g % 500, now() FROM generate_series(1, 20000) g",
            "CREATE INDEX book_author ON book (author_id)",
            "CREATE INDEX book_recent ON book (at DESC, (lower(title))) WHERE pages > 100",
            "CREATE TABLE measure (at int, value int) PARTITION BY RANGE (at)",
            "CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE measure_2 PARTITION OF measure FOR VALUES FROM (10) TO (20)",
            'CREATE SCHEMA "Odd Schema"',
            'CREATE TABLE "Odd Schema"."Odd ""Table" ("A b" int)',
            "ANALYZE",
            f'GRANT ALL ON SCHEMA "Odd Schema" TO {ordinary.user}',
            f'GRANT SELECT ON ALL TABLES IN SCHEMA "Odd Schema" TO {ordinary.user}',
            f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {ordinary.user}",
        ):
            admin.execute(text)
    database = connect(ordinary.dsn, ExplainOptions(analyze=True))
    yield database
    database.close()


def _bare(node: PlanNode) -> PlanNode:
    return replace(node, facts=(), seconds=None, children=tuple(_bare(child) for child in node.children))


def _answer(cursor: Any, options: str, text: str) -> str:
    rows = cursor.execute(f"EXPLAIN ({options}) {text}").fetchall()
    return "\n".join(row[0] if isinstance(row[0], str) else json.dumps(row[0]) for row in rows)


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("options", ["VERBOSE", "ANALYZE, VERBOSE, TIMING OFF, BUFFERS"], ids=["plain", "analyze"])
def test_text_and_json_are_one_plan(library: Explainer, server: Database, name: str, options: str) -> None:
    with psycopg.connect(server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SET work_mem = '64kB'; SET jit = off; SET max_parallel_workers_per_gather = 0")
        text = read_plan(_answer(cursor, options, STATEMENTS[name]))
        loaded = read_plan(_answer(cursor, f"{options}, FORMAT JSON", STATEMENTS[name]))
    assert _bare(text.root) == _bare(loaded.root)
    assert text.analyzed == loaded.analyzed == ("ANALYZE" in options)
    assert text.root.cost is not None and text.system == "postgresql"


@pytest.mark.parametrize("form", ["TEXT", "JSON"])
def test_literals_are_gone(library: Explainer, server: Database, form: str) -> None:
    text = "SELECT 'hunter2', * FROM book WHERE title LIKE 'hunter2%' AND pages = 4711 AND id IN (4711, 4712) ORDER BY title || 'hunter2'"
    with psycopg.connect(server.dsn) as connection, connection.cursor() as cursor:
        plan = replace(
            read_plan(_answer(cursor, f"ANALYZE, VERBOSE, BUFFERS, SETTINGS, FORMAT {form}", text)), text=text
        )
    clean = redacted(plan)
    assert "hunter2" in plan.raw and "4711" in plan.raw
    for shown in (clean.raw, clean.text, repr(clean)):
        assert "hunter2" not in shown and "4711" not in shown and "4712" not in shown
    again = read_plan(clean.raw)
    assert [(node.kind, node.relation, node.cost, node.rows, node.seconds) for _, node in again.root.walk()] == [
        (node.kind, node.relation, node.cost, node.rows, node.seconds) for _, node in plan.root.walk()
    ]
    assert clean.text == "SELECT ?, * FROM book WHERE title LIKE ? AND pages = ? AND id IN (?, ?) ORDER BY title || ?"


def test_what_psql_prints(library: Explainer, server: Database, psql: str) -> None:
    """With its title and its ruler, with borders, and JSON with a + at the end of each line."""
    text = STATEMENTS["join"]
    shown = set()
    for border in ("0", "1", "2"):
        for form in ("TEXT", "JSON"):
            words = [psql, server.dsn, "-X", "-P", f"border={border}", "-c", f"EXPLAIN (FORMAT {form}) {text}"]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            shown.add(_bare(read_plan(done.stdout).root))
    (only,) = shown
    assert {node.relation for _, node in only.walk()} >= {"author", "book"}


@pytest.mark.parametrize("name", STATEMENTS)
def test_seconds_add_up(library: Explainer, name: str) -> None:
    """Nobody's own time is counted twice: all own seconds together are what the whole took, within what clocks may differ."""
    plan = library.explain(Statement(STATEMENTS[name]))
    assert isinstance(plan, Plan), plan
    assert plan.analyzed, plan.remarks
    assert plan.execution_seconds is not None and plan.planning_seconds is not None
    if plan.root.seconds is None:  # PostgreSQL does not always run what it can see to be empty
        return
    own = sum(node.own_seconds or 0.0 for _, node in plan.root.walk())
    assert own == pytest.approx(plan.root.seconds, rel=0.05, abs=2e-4)


def test_cte_hangs_where_it_is_read(library: Explainer) -> None:
    plan = library.explain(Statement(STATEMENTS["cte"]), analyze=False)
    assert isinstance(plan, Plan)
    for _, node in plan.root.walk():
        for child in node.children:
            if "Subplan Name: CTE big" in child.facts:
                assert (node.kind, node.relation) == ("CTE Scan", "big")
    assert sum("Subplan Name: CTE big" in node.facts for _, node in plan.root.walk()) == 1
    costs = [node.cost or 0.0 for _, node in plan.root.walk()]
    assert costs[0] == max(costs)


def test_parallel_seconds_are_wall_time(library: Explainer, server: Database) -> None:
    with psycopg.connect(server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0")
        cursor.execute("SET max_parallel_workers_per_gather = 2")
        plan = read_plan(_answer(cursor, "ANALYZE, FORMAT JSON", "SELECT count(*) FROM book WHERE title < 'c'"))
    gather = next(node for _, node in plan.root.walk() if node.kind.startswith("Gather"))
    below = gather.children[0]
    assert below.loops > 1
    assert below.seconds is not None and gather.seconds is not None
    assert below.seconds <= gather.seconds * 1.05


@pytest.mark.parametrize("name", ["spill", "hash_spill"])
def test_what_went_to_disk(library: Explainer, server: Database, name: str) -> None:
    with psycopg.connect(server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SET work_mem = '64kB'; SET max_parallel_workers_per_gather = 0; SET enable_sort = on")
        plan = read_plan(_answer(cursor, "ANALYZE, BUFFERS, FORMAT JSON", STATEMENTS[name]))
    spilled = [node for _, node in plan.root.walk() if node.spilled]
    assert len(spilled) == 1
    assert 100_000 < (spilled[0].spilled or 0) < 10_000_000


GENERIC = {
    "SELECT * FROM book WHERE author_id = $1": "book_author",
    "SELECT * FROM book WHERE author_id = ?": "book_author",
    "SELECT * FROM book WHERE author_id=%s": "book_author",
    "SELECT * FROM book WHERE author_id = %(author)s AND id <> %(author)s": "book_author",
    "SELECT * FROM book WHERE author_id = :author": "book_author",
    "select * from book where author_id in (?)": "book_author",
    "select * from book where author_id = ? order by pages limit ? offset ?": "book_author",
    "select * from book where author_id = ? and at > now() - interval ?": "book_author",
    "select * from book where author_id = ? and at between date ? and timestamp ?": "book_author",
    "select * from book where author_id = ? and data ? ?": "book_author",
    "select * from book where author_id = ? and data ->> ? = ? and data @> ?": "book_author",
    "select * from book where author_id = any(?) and title like ?": "book_author",
    "select * from book where author_id = ? and title = 'what? $1 %s :no'": "book_author",
    'select * from book where author_id = ? and "title" = /* ? */ ? -- ?': "book_author",
    "update book set pages = pages + ? where author_id = ? and id = ?": "",
    "insert into book (author_id, title, pages) values (?)": "",
    "select case when pages > ? then ? else ? end from book where author_id = ?": "book_author",
}


@pytest.mark.parametrize("text", GENERIC)
def test_a_plan_for_no_value_in_particular(library: Explainer, text: str) -> None:
    """Values of NULL would give `Result` with `One-Time Filter: false`, which reads nothing."""
    plan = library.explain(Statement(text, "f"))
    assert isinstance(plan, Plan), plan
    nodes = [node for _, node in plan.root.walk()]
    assert plan.parameters == "generic" and not plan.analyzed
    assert "was not run" in plan.remarks[0]
    assert not any("false" in said for node in nodes for _, said in node.conditions)
    assert (plan.fingerprint, plan.text) == ("f", text)
    if GENERIC[text]:
        assert GENERIC[text] in {node.index for node in nodes}
        assert plan.tables == {"book": 20000}
        assert {index.name for index in plan.indexes} == {"book_pkey", "book_author", "book_recent"}
    assert library.explain(Statement("SELECT 1")) != plan  # the session goes on


def test_nulls_would_be_dishonest(library: Explainer) -> None:
    plan = library.explain(Statement("SELECT * FROM book WHERE author_id = $1", parameters=(None,)))
    assert isinstance(plan, Plan) and plan.parameters == "given"
    assert plan.root.kind == "Result" and plan.tables == {}


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "'; DELETE FROM book --", "\\", "x" * 100_000])
def test_any_value(library: Explainer, value: str) -> None:
    text = Statement("SELECT * FROM book WHERE title = $1", parameters=(value,))
    answer = library.explain(text, analyze=True)
    assert isinstance(answer, NotPlanned) == (value in ("a\0b", "\ud800"))
    assert isinstance(library.explain(Statement("SELECT count(*) FROM book"), analyze=True), Plan)


def test_given_values_are_planned_as_what_they_are(library: Explainer) -> None:
    few = Statement("SELECT * FROM book WHERE pages < $1 AND author_id = $2", parameters=("1", "7"))
    many = Statement("SELECT * FROM book WHERE pages < $1 AND author_id = $2", parameters=("100000", "7"))
    rows = []
    for statement in (few, many):
        plan = library.explain(statement)
        assert isinstance(plan, Plan) and plan.parameters == "given" and plan.analyzed, plan
        rows.append(plan.root.estimated_rows or 0.0)
    assert rows[0] < rows[1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("select * from book order by ? limit ?", "number of a column"),
        ("select pages, count(*) from book group by ?", "number of a column"),
        ("select * from book where id = ? and …", "cut off"),
        ("select * from book where title = 'abc", "never closed"),
        ("select * from nowhere", "does not exist"),
        ("select nothing from book", "does not exist"),
        ("selec * from book", "no plan"),
        ("select * form book", "syntax error"),
        ("", "no statement"),
        (";;", "no statement"),
        ("select \0", "bytes"),
        ("select '\ud800'", "bytes"),
        ("select $0", "no number"),
        ("select $99999999999999999999", "no number"),
        ("select 'a' = 1", "invalid input syntax for type integer"),
        ("select " + "(" * 30_000, ""),
    ],
)
def test_why_there_is_no_plan(library: Explainer, text: str, why: str) -> None:
    answer = library.explain(Statement(text))
    assert isinstance(answer, NotPlanned)
    assert why in answer.why and answer.remedy and "\n" not in answer.why + answer.remedy


def test_a_literal_is_not_repeated_in_the_reason(library: Explainer) -> None:
    answer = library.explain(Statement("select * from book where id = 'hunter2'"))
    assert isinstance(answer, NotPlanned) and "hunter2" not in answer.why + answer.remedy


def test_permission_denied(library: Explainer, admin: psycopg.Connection[Any]) -> None:
    admin.execute("CREATE TABLE private (a int)")
    answer = library.explain(Statement("SELECT * FROM private WHERE a = 1"), analyze=True)
    assert isinstance(answer, NotPlanned)
    assert "permission denied" in answer.why and "SELECT" in answer.remedy


def test_a_lock_is_not_waited_for(library: Explainer, ordinary: Database, server: Database) -> None:
    with psycopg.connect(server.dsn) as holder:
        holder.execute("LOCK TABLE author IN ACCESS EXCLUSIVE MODE")
        (answer,) = explain_all([Statement("SELECT * FROM author")], ordinary.dsn, ExplainOptions(lock_timeout=0.05))
    assert isinstance(answer, NotPlanned) and "lock" in answer.why


def test_a_long_run_ends(ordinary: Database, library: Explainer) -> None:
    text = "SELECT count(*) FROM generate_series(1, 1000000000) a, generate_series(1, 100) b"
    (answer,) = explain_all([Statement(text)], ordinary.dsn, ExplainOptions(analyze=True, statement_timeout=0.2))
    assert isinstance(answer, NotPlanned) and "statement_timeout" in answer.why


def test_the_server_goes_in_the_middle(ordinary: Database, library: Explainer, server: Database) -> None:
    def statements() -> Iterator[Statement]:
        yield Statement("SELECT * FROM book WHERE id = 1", "a")
        with psycopg.connect(server.dsn, autocommit=True) as admin:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'perfkit' AND usename = %s"
            assert (True,) in admin.execute(ended, (ordinary.user,)).fetchall()
        yield Statement("SELECT * FROM book WHERE id = 2", "b")
        yield Statement("SELECT * FROM book WHERE id = 3", "c")

    first, second, third = explain_all(statements(), ordinary.dsn)
    assert isinstance(first, Plan)
    for answer, fingerprint in ((second, "b"), (third, "c")):
        assert isinstance(answer, NotPlanned)
        assert answer.fingerprint == fingerprint and "ended the connection" in answer.why


def test_what_it_knows_of_tables_and_indexes(ordinary: Database, library: Explainer) -> None:
    database = connect(ordinary.dsn)
    table = database.table("book")
    assert table is not None and (table.schema, table.rows) == ("public", 20000) and (table.bytes or 0) > 100_000
    author, pages = table.column("author_id"), table.column("pages")
    assert author is not None and author.distinct == pytest.approx(200, rel=0.1)
    assert pages is not None and pages.type == "integer" and pages.nullable
    by_name = {index.name: index for index in database.indexes("book", "public")}
    assert by_name["book_pkey"].primary and by_name["book_pkey"].unique and not by_name["book_author"].unique
    assert by_name["book_recent"].columns == ("at", "lower(title)") and by_name["book_recent"].partial == "pages > 100"
    assert database.table("nowhere") is None and database.indexes("nowhere") == ()
    assert database.table("book", "nowhere") is None
    assert database.rows("SELECT nonsense") == [] and database.rows("SELECT 1") == [(1,)]
    assert database.rows("SELECT current_setting('transaction_read_only')") == [("on",)]
    database.close()
    database.close()


def test_a_superuser_runs_nothing_unless_told_so(server: Database, library: Explainer) -> None:
    statement = Statement("SELECT count(*) FROM book")
    (plan,) = explain_all([statement], server.dsn, ExplainOptions(analyze=True))
    assert isinstance(plan, Plan) and not plan.analyzed and "superuser" in plan.remarks[0]
    (plan,) = explain_all([statement], server.dsn, ExplainOptions(analyze=True, i_know=True))
    assert isinstance(plan, Plan) and plan.analyzed and plan.root.rows == 1
    (plan,) = explain_all([Statement("SELECT random()")], server.dsn, ExplainOptions(analyze=True, i_know=True))
    assert isinstance(plan, Plan) and not plan.analyzed and "volatile" in plan.remarks[0]
