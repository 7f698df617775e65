"""Advice on a real PostgreSQL: with hypopg what it advises is made and looked at again; without it the advice says so."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

import databases
from databases import Database as Server
from perfkit.explain import ExplainOptions, Statement, connect
from perfkit.explain.advice import advised
from perfkit.explain.interface import Database, ServerGone
from perfkit.model.plan import IndexAdvice, NotPlanned, Plan

pytestmark = pytest.mark.real

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_EXTENSION = Path("/usr/share/postgresql/15/extension/hypopg.control")
_SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name varchar(40), email text, kind int);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text, created_at timestamp, total numeric, deleted_at timestamp, flag bool);
CREATE TABLE tiny (id int, a int);
CREATE TABLE things (id int PRIMARY KEY, data jsonb, at timestamptz);
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id int, x int);
CREATE TABLE parts (id int, day date, a int) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE VIEW seen AS SELECT o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id;
CREATE TABLE "we""ird; --" (id int, "Ke'""y" text);
INSERT INTO customers SELECT i, 'n' || i, 'E' || i, i % 4 FROM generate_series(1, 3000) i;
INSERT INTO orders SELECT i, i * 7919 % 3000 + 1, CASE WHEN i % 50 = 0 THEN 'open' ELSE 'done' END,
  timestamp '2024-01-01' + i * interval '1 minute', i, CASE WHEN i % 20 = 0 THEN NULL ELSE timestamp '2024-01-01' END, i % 2 = 0
  FROM generate_series(1, 30000) i;
INSERT INTO things SELECT i, jsonb_build_object('k', 'v' || i), timestamptz '2024-01-01' FROM generate_series(1, 3000) i;
INSERT INTO sales.orders SELECT i, i FROM generate_series(1, 5000) i;
INSERT INTO parts SELECT i, date '2024-01-01' + i % 59, i % 3000 FROM generate_series(1, 20000) i;
INSERT INTO tiny SELECT i, i FROM generate_series(1, 300) i;
INSERT INTO "we""ird; --" SELECT i, 'k' || i FROM generate_series(1, 5000) i;
"""


@contextmanager
def _postgres15() -> Iterator[Server]:
    """The system's PostgreSQL 15, which hypopg is packaged for; started as the other servers of the tests are."""
    if not _EXTENSION.exists() or shutil.which("initdb", path=str(_PROGRAMS)) is None:
        pytest.skip("postgresql-15-hypopg is not installed")
    with databases._folder("postgres15") as folder:
        data, password = folder / "data", folder / "password"
        password.write_text(databases.PASSWORD)
        how = ("--auth=scram-sha-256", f"--username={databases.USER}", f"--pwfile={password}", "--locale=C.UTF-8")
        databases._do(_PROGRAMS / "initdb", f"--pgdata={data}", *how, "--no-sync")

        def words(port: int) -> list[str]:
            settings = {
                "listen_addresses": "127.0.0.1",
                "unix_socket_directories": folder,
                "fsync": "off",
                "autovacuum": "off",
            }
            given = [f"--{name}={value}" for name, value in settings.items()]
            return [str(_PROGRAMS / "postgres"), "-D", str(data), "-p", str(port), *given]

        with databases._server(words, folder / "log", "ready to accept connections", signal.SIGINT) as port:
            yield Server("postgresql", port, folder, folder / "log", "postgres").fresh(databases.USER)


@pytest.fixture(scope="module")
def with_hypopg() -> Iterator[Server]:
    with _postgres15() as server:
        _run(server, "CREATE EXTENSION hypopg", _SCHEMA)
        _run(server, "ANALYZE")
        yield server


@pytest.fixture(scope="module")
def without(postgres: Server) -> Server:
    server = postgres.fresh()
    _run(server, _SCHEMA)
    _run(server, "ANALYZE")
    return server


def _run(server: Server, *statements: str) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def _rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.dsn) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]


@contextmanager
def _open(server: Server, options: ExplainOptions | None = None) -> Iterator[Database]:
    database = connect(server.dsn, options)
    try:
        yield database
    finally:
        database.close()


def _advised(server: Server, text: str, options: ExplainOptions | None = None) -> Plan:
    statement = Statement(text)
    with _open(server, options) as database:
        plan = database.explain(statement)
        assert isinstance(plan, Plan), plan
        return advised(database, statement, plan)


def _indexes(server: Server) -> set[str]:
    query = "SELECT quote_ident(schemaname) || '.' || quote_ident(indexname) FROM pg_indexes WHERE schemaname IN ('public', 'sales')"
    return {row[0] for row in _rows(server, query)}


def _made(server: Server, text: str, advice: IndexAdvice) -> tuple[Plan, str]:
    """The plan once the advised index is there, and its name; the index goes again."""
    before = _indexes(server)
    _run(server, advice.ddl, "ANALYZE")
    (name,) = _indexes(server) - before
    try:
        with _open(server) as database:
            plan = database.explain(Statement(text))
    finally:
        _run(server, f"DROP INDEX {name}")
    assert isinstance(plan, Plan)
    return plan, name.partition(".")[2].strip('"').replace('""', '"')


_HELPED = [
    ("SELECT * FROM orders WHERE customer_id = 7", ("customer_id",), ""),
    ("SELECT * FROM orders WHERE customer_id = $1", ("customer_id",), ""),
    (
        "SELECT * FROM orders WHERE customer_id = 7 AND created_at > '2024-01-15' ORDER BY created_at DESC LIMIT 5",
        ("customer_id", "created_at"),
        "",
    ),
    ("SELECT * FROM orders WHERE status = 'open' ORDER BY created_at LIMIT 5", ("status", "created_at"), ""),
    ("SELECT * FROM orders ORDER BY created_at DESC LIMIT 5", ("created_at",), ""),
    (
        "SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = 5",
        ("customer_id",),
        "",
    ),
    ("SELECT * FROM customers WHERE lower(email) = 'e5'", ("lower(email)",), ""),
    ("SELECT * FROM customers WHERE name LIKE 'n123%'", ("name",), "text_pattern_ops"),
    ("SELECT * FROM orders WHERE deleted_at IS NULL AND customer_id = 5", ("customer_id",), "WHERE deleted_at IS NULL"),
    (
        "SELECT * FROM orders WHERE deleted_at IS NULL ORDER BY created_at LIMIT 5",
        ("created_at",),
        "WHERE deleted_at IS NULL",
    ),
    ("SELECT * FROM orders WHERE customer_id IN (5, 6)", ("customer_id",), ""),
    ("UPDATE orders SET total = 1 WHERE customer_id = 9", ("customer_id",), ""),
    ('SELECT id FROM "we""ird; --" WHERE "Ke\'""y" = \'k7\'', ("Ke'\"y",), '"Ke\'""y"'),
    ("SELECT * FROM sales.orders WHERE x = 5", ("x",), "ON sales.orders (x)"),
    ("SELECT * FROM seen WHERE name = 'n5'", ("customer_id",), ""),
    ("SELECT * FROM orders WHERE id IN (SELECT customer_id FROM orders WHERE total = 1)", ("total",), ""),
    ("SELECT * FROM things WHERE data ->> 'k' = 'v5'", ("data ->> 'k'",), "((data ->> 'k'))"),
    (
        "SELECT c.id, (SELECT max(o.total) FROM orders o WHERE o.customer_id = c.id) FROM customers c LIMIT 9",
        ("customer_id",),
        "",
    ),
    ("WITH few AS (SELECT * FROM orders WHERE total = 5) SELECT * FROM few", ("total",), ""),
]


@pytest.mark.parametrize(("text", "columns", "part"), _HELPED)
def test_an_advised_index_is_used_and_cheaper_once_it_is_made(
    with_hypopg: Server, text: str, columns: tuple[str, ...], part: str
) -> None:
    plan = _advised(with_hypopg, text)
    advice = plan.advice[0]
    assert (advice.columns, advice.verified) == (columns, "hypopg")
    assert advice.ddl.startswith("CREATE INDEX CONCURRENTLY ON ") and part in advice.ddl
    assert advice.cost_before is not None and advice.cost_after is not None
    assert advice.cost_after < advice.cost_before == plan.root.cost
    after, name = _made(with_hypopg, text, advice)
    if "$1" not in text:
        assert name in {node.index for _, node in after.root.walk()}
    assert after.root.cost is not None
    assert after.root.cost < plan.root.cost
    (index,) = [index for index in after.indexes if index.name == name]
    assert advice.bytes is not None and index.bytes is not None
    assert index.bytes / 3 <= advice.bytes <= index.bytes * 3 + 8192


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT * FROM tiny WHERE a = 5", ""),
        ("SELECT * FROM orders WHERE flag = true", "of its 30,000 rows fit the condition"),
        ("SELECT * FROM orders WHERE status = 'done'", "of its 30,000 rows fit the condition"),
        ("SELECT * FROM orders", ""),
        ("SELECT * FROM orders WHERE id = 5", ""),
        ("SELECT * FROM customers WHERE name LIKE '%12%'", "has no fixed beginning"),
        ("SELECT * FROM customers WHERE kind + 1 = 12", "is computed for each of 3,000 rows"),
        ("SELECT * FROM orders WHERE total::text = '5'", "its type is numeric and it is compared as text"),
        (
            "SELECT * FROM customers WHERE lower(name) = 'x' OR email = 'y' OR kind + 1 = 9",
            "no single index on customers answers",
        ),
        ("SELECT * FROM things WHERE data @> '{}'", "looks inside data (jsonb)"),
        ("SELECT * FROM things WHERE date(at) = '2024-01-01'", "date(at) is worked out for each of 3,000 rows"),
        ("SELECT * FROM customers WHERE id::numeric = 5.5", "index customers_pkey on customers (id) is not used"),
    ],
)
def test_no_index_where_none_would_help(with_hypopg: Server, text: str, why: str) -> None:
    plan = _advised(with_hypopg, text)
    assert plan.advice == ()
    assert any(why in remark for remark in plan.remarks) if why else not plan.remarks


def test_what_is_unknown_is_not_said_flatly(postgres: Server) -> None:
    server = postgres.fresh()
    _run(
        server,
        "CREATE TABLE skewed (id int, status text, flag bool, day int)",
        "INSERT INTO skewed SELECT i, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END, i % 2 = 0, i FROM generate_series(1, 20000) i",
    )
    _run(server, "ANALYZE skewed")
    (unknown,) = _advised(server, "SELECT * FROM skewed WHERE status = $1").remarks
    assert "99% of its 20,000 rows" in unknown and "a rare one would be found faster by an index on status" in unknown
    (known,) = _advised(server, "SELECT * FROM skewed WHERE status = 'done'").remarks
    (even,) = _advised(server, "SELECT * FROM skewed WHERE flag = $1").remarks
    assert known.endswith("an index would not be faster") and even.endswith("an index would not be faster")
    for remark in _advised(server, "SELECT * FROM skewed WHERE day > $1").remarks:
        assert "a narrow range would be found faster" in remark


@pytest.mark.parametrize("which", ["with_hypopg", "without"])
def test_a_partial_index_is_as_large_as_the_rows_it_holds(request: pytest.FixtureRequest, which: str) -> None:
    server: Server = request.getfixturevalue(which)
    _run(
        server,
        "CREATE TABLE IF NOT EXISTS held (id int, status text, day int)",
        "INSERT INTO held SELECT i, CASE WHEN i % 10000 > 0 THEN 'done' END, i FROM generate_series(1, 90000) i",
    )
    _run(server, "ANALYZE held")
    sizes = [
        (advice.bytes, advice.ddl)
        for text in (
            "SELECT * FROM held WHERE status IS NULL",
            "SELECT * FROM held WHERE status IS NULL ORDER BY day LIMIT 5",
        )
        for advice in _advised(server, text).advice
        if " WHERE " in advice.ddl
    ]
    assert sizes or which == "without"
    assert all(size is not None and size <= 16384 for size, _ in sizes), sizes


@pytest.mark.parametrize(
    "text", ["SELECT * FROM pg_catalog.pg_proc WHERE prosrc = 'x'", "SELECT * FROM pg_attribute WHERE attlen = 77"]
)
def test_no_advice_on_the_catalog(without: Server, text: str) -> None:
    plan = _advised(without, text)
    assert (plan.advice, plan.redundant, plan.remarks) == ((), (), ())


def test_why_two_indexes_do_not_answer_an_or(without: Server) -> None:
    _run(without, "CREATE INDEX by_flag ON orders (flag)", "CREATE INDEX by_state ON orders (status)", "ANALYZE orders")
    try:
        plan = _advised(without, "SELECT * FROM orders WHERE flag = true OR status = 'done'")
    finally:
        _run(without, "DROP INDEX by_flag, by_state")
    assert plan.advice == ()
    assert any("although by_flag and by_state have the columns of flag OR status" in one for one in plan.remarks)


def test_a_plan_that_was_run_counts_what_it_reads(with_hypopg: Server) -> None:
    plan = _advised(
        with_hypopg, "SELECT * FROM orders WHERE customer_id = 7", ExplainOptions(analyze=True, i_know=True)
    )
    (advice,) = plan.advice
    assert "reads the whole of orders, 30,000 rows, and keeps 10" in advice.reason


def test_an_index_that_a_better_one_makes_redundant_is_named(with_hypopg: Server) -> None:
    _run(with_hypopg, "CREATE INDEX by_status ON orders (status)", "ANALYZE orders")
    try:
        plan = _advised(with_hypopg, "SELECT * FROM orders WHERE status = 'open' ORDER BY created_at LIMIT 5")
    finally:
        _run(with_hypopg, "DROP INDEX by_status")
    (advice,) = plan.advice
    assert (advice.columns, advice.replaces) == (("status", "created_at"), ("by_status",))
    assert "orders has 2 indexes now" in advice.writes


def test_two_tables_may_get_one_each(with_hypopg: Server) -> None:
    text = "SELECT o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.email = 'E77' AND o.created_at > '2024-01-02'"
    plan = _advised(with_hypopg, text)
    assert {advice.table for advice in plan.advice} == {"orders", "customers"}
    first, second = plan.advice
    assert first.cost_after == second.cost_before


def test_an_or_over_two_columns_gets_two_indexes(with_hypopg: Server) -> None:
    text = "SELECT * FROM orders WHERE customer_id = 7 OR total = 9"
    one, two = _advised(with_hypopg, text).advice
    assert (one.columns, two.columns) == (("customer_id",), ("total",))
    assert one.cost_after == two.cost_after and one.bytes and two.bytes
    _run(with_hypopg, one.ddl, two.ddl, "ANALYZE orders")
    try:
        after = _advised(with_hypopg, text)
    finally:
        _run(with_hypopg, "DROP INDEX orders_customer_id_idx, orders_total_idx")
    assert {"orders_customer_id_idx", "orders_total_idx"} <= {node.index for _, node in after.root.walk()}
    assert after.advice == () and after.root.cost == pytest.approx(one.cost_after, rel=0.3)


def test_partitions_get_one_index_together(with_hypopg: Server) -> None:
    text = "SELECT * FROM parts WHERE a = 5"
    plan = _advised(with_hypopg, text)
    (advice,) = plan.advice
    assert (advice.table, advice.ddl) == ("parts", "CREATE INDEX ON parts (a);")
    assert "partitioned" in advice.reason
    _run(with_hypopg, advice.ddl, "ANALYZE parts")
    try:
        after = _advised(with_hypopg, text)
    finally:
        _run(with_hypopg, "DROP INDEX parts_a_idx")
    assert advice.cost_after == pytest.approx(after.root.cost, rel=0.3)
    assert after.advice == () and after.redundant == ()


def test_nothing_stays_behind(with_hypopg: Server) -> None:
    before = _indexes(with_hypopg)
    statement = Statement("SELECT * FROM orders WHERE customer_id = 7")
    with _open(with_hypopg) as database:
        plan = database.explain(statement)
        assert isinstance(plan, Plan)
        assert advised(database, statement, plan).advice
        assert database.rows("SELECT count(*) FROM hypopg()") == [(0,)]
    assert _indexes(with_hypopg) == before


class _Fails:
    """The connection, whose EXPLAIN fails as soon as a hypothetical index is there."""

    def __init__(self, database: Database, error: Exception) -> None:
        self._database, self._error = database, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def explain(self, statement: Statement, analyze: bool | None = None) -> Plan | NotPlanned:
        if self._database.rows("SELECT count(*) FROM hypopg()") != [(0,)]:
            raise self._error
        return self._database.explain(statement, analyze)


def test_hypothetical_indexes_go_also_when_explain_fails(with_hypopg: Server) -> None:
    statement = Statement("SELECT * FROM orders WHERE customer_id = 7")
    with _open(with_hypopg) as database:
        plan = database.explain(statement)
        assert isinstance(plan, Plan)
        kept = advised(_Fails(database, ServerGone("went away")), statement, plan)  # type: ignore[arg-type]
        assert replace(kept, remarks=()) == plan and "went away" in kept.remarks[0]
        assert database.rows("SELECT count(*) FROM hypopg()") == [(0,)]
        with pytest.raises(KeyboardInterrupt):
            advised(_Fails(database, KeyboardInterrupt()), statement, plan)  # type: ignore[arg-type]
        assert database.rows("SELECT count(*) FROM hypopg()") == [(0,)]


def test_redundant_indexes_by_the_servers_catalog(with_hypopg: Server) -> None:
    _run(
        with_hypopg,
        """CREATE TABLE many (a int, b text, c int REFERENCES customers, PRIMARY KEY (a));
        CREATE INDEX many_b ON many (b);
        CREATE INDEX many_b_c ON many (b, c);
        CREATE INDEX many_b_desc ON many (b DESC);
        CREATE INDEX many_b_pattern ON many (b text_pattern_ops);
        CREATE INDEX many_b_german ON many (b COLLATE "C");
        CREATE INDEX many_b_some ON many (b) WHERE c > 1;
        CREATE INDEX many_b_more ON many (b) INCLUDE (a);
        CREATE INDEX many_b_hash ON many USING hash (b);
        CREATE UNIQUE INDEX many_b_once ON many (b);
        CREATE INDEX many_a ON many (a);
        CREATE INDEX many_c ON many (c);
        CREATE INDEX many_lower ON many (lower(b));
        CREATE INDEX many_lower_c ON many (lower(b), c)""",
    )
    plan = _advised(with_hypopg, "SELECT * FROM many")
    found = {one.index.name: one.covered_by for one in plan.redundant}
    assert found.keys() == {"many_b", "many_a", "many_lower"}
    assert found["many_a"] == "many_pkey" and found["many_lower"] == "many_lower_c"
    for one in plan.redundant:
        _run(with_hypopg, one.ddl)
    assert not {"public.many_b", "public.many_a", "public.many_lower"} & _indexes(with_hypopg)


def test_without_the_extension_nothing_is_verified_and_nothing_is_installed(without: Server) -> None:
    plan = _advised(without, "SELECT * FROM orders WHERE customer_id = 7 AND status = 'open'")
    (advice,) = plan.advice
    assert (advice.columns, advice.verified, advice.cost_after) == (("customer_id", "status"), None, None)
    assert _rows(without, "SELECT 1 FROM pg_extension WHERE extname = 'hypopg'") == []
    after, name = _made(without, "SELECT * FROM orders WHERE customer_id = 7 AND status = 'open'", advice)
    assert name in {node.index for _, node in after.root.walk()}
    (index,) = [index for index in after.indexes if index.name == name]
    assert advice.bytes is not None and index.bytes is not None
    assert index.bytes / 3 <= advice.bytes <= index.bytes * 3


def test_old_statistics_are_said(without: Server) -> None:
    _run(
        without,
        "CREATE TABLE fresh (id int, a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO fresh SELECT i, i % 3 FROM generate_series(1, 9000) i",
    )
    plan = _advised(without, "SELECT * FROM fresh WHERE a + 1 = 2")
    assert any("the statistics of fresh are old" in remark for remark in plan.remarks)
