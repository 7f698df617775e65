"""Advice on SQLite: tried on a copy of schema and statistics in memory, then made on a copy of the file and looked at again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perfkit.explain import Statement, connect
from perfkit.explain.advice import advised
from perfkit.model.plan import Plan

_COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
_SCHEMA = f"""
CREATE TABLE customers (id integer PRIMARY KEY, name text, email text, kind int);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id int, status text, created_at text, total real, deleted_at text);
CREATE TABLE tiny (a int);
CREATE TABLE "select" (id integer PRIMARY KEY, "a ""b'" text);
{_COUNT.format(3000)} INSERT INTO customers SELECT i, 'n' || i, 'E' || i, i % 4 FROM n;
{_COUNT.format(20000)} INSERT INTO orders SELECT i, i * 7919 % 3000 + 1, iif(i % 50 = 0, 'open', 'done'), '2024-' || i, i,
  iif(i % 20 = 0, NULL, 'd') FROM n;
{_COUNT.format(300)} INSERT INTO tiny SELECT i FROM n;
{_COUNT.format(3000)} INSERT INTO "select" SELECT i, 'k' || i FROM n;
CREATE INDEX orders_total ON orders (total);
CREATE INDEX orders_total_status ON orders (total, status);
CREATE UNIQUE INDEX customers_name ON customers (name);
CREATE INDEX customers_name_kind ON customers (name, kind);
CREATE INDEX customers_email ON customers (email COLLATE NOCASE);
CREATE INDEX customers_email_kind ON customers (email, kind);
CREATE INDEX customers_kind_low ON customers (lower(name));
CREATE INDEX customers_kind_low_kind ON customers (lower(name), kind DESC);
CREATE INDEX orders_some ON orders (total) WHERE status = 'open';
"""


@pytest.fixture(scope="module", params=["analysed", "not analysed"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("sqlite") / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_SCHEMA)
        if request.param == "analysed":
            connection.execute("ANALYZE")
        connection.commit()
    yield path


def _advised(path: Path, text: str) -> Plan:
    statement = Statement(text)
    database = connect(f"sqlite:///{path}")
    try:
        plan = database.explain(statement)
        assert isinstance(plan, Plan), plan
        return advised(database, statement, plan)
    finally:
        database.close()


@pytest.mark.parametrize(
    ("text", "columns", "part"),
    [
        ("SELECT * FROM orders WHERE customer_id = ?", ("customer_id",), ""),
        (
            "SELECT * FROM orders WHERE customer_id = 7 AND created_at > '2024-5' ORDER BY created_at DESC LIMIT 5",
            ("customer_id", "created_at"),
            "",
        ),
        ("SELECT * FROM orders WHERE status = 'open' ORDER BY created_at LIMIT 5", ("status", "created_at"), ""),
        ("SELECT * FROM orders ORDER BY created_at DESC LIMIT 5", ("created_at",), ""),
        ("SELECT o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = 5", ("customer_id",), ""),
        ("SELECT * FROM customers WHERE lower(email) = 'e5'", ("lower(email)",), "(lower(email))"),
        ('SELECT * FROM "select" WHERE "a ""b\'" = \'k9\'', ("a \"b'",), '"select" ("a ""b\'")'),
        ("DELETE FROM orders WHERE customer_id = 9", ("customer_id",), ""),
        ("SELECT count(*) FROM orders AS o WHERE o.customer_id IN (1, 2)", ("customer_id",), ""),
    ],
)
def test_an_advised_index_is_used_once_it_is_made(
    file: Path, tmp_path: Path, text: str, columns: tuple[str, ...], part: str
) -> None:
    (advice,) = _advised(file, text).advice
    assert (advice.columns, advice.verified) == (columns, "a copy of schema and statistics in memory")
    assert advice.cost_before is None and advice.cost_after is None
    assert advice.ddl.startswith("CREATE INDEX ") and part in advice.ddl
    copy = tmp_path / "copy.db"
    shutil.copy(file, copy)
    with closing(sqlite3.connect(copy)) as connection:
        before = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        connection.executescript(advice.ddl)
        (name,) = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")} - before
    after = _advised(copy, text)
    assert name in {node.index for _, node in after.root.walk()}
    assert advice.ddl not in {one.ddl for one in after.advice}
    assert not any(node.kind == "USE TEMP B-TREE" for _, node in after.root.walk())


def test_the_reason_says_what_the_trial_showed(file: Path) -> None:
    (advice,) = _advised(file, "SELECT * FROM orders WHERE customer_id = ?").advice
    assert (
        "Tried: SCAN orders became SEARCH orders USING INDEX orders_customer_id_idx (customer_id=?)." in advice.reason
    )
    (advice,) = _advised(file, "SELECT * FROM orders ORDER BY created_at DESC LIMIT 5").advice
    assert (
        "SCAN orders, USE TEMP B-TREE FOR ORDER BY became SCAN orders USING INDEX orders_created_at_idx."
        in advice.reason
    )


def test_an_or_over_two_columns_gets_two_indexes(file: Path) -> None:
    one, two = _advised(file, "SELECT * FROM orders WHERE customer_id = 7 OR created_at = 9").advice
    assert (one.columns, two.columns) == (("customer_id",), ("created_at",))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM tiny WHERE a = 5",
        "SELECT * FROM orders WHERE status = 'done'",
        "SELECT * FROM customers WHERE id = 5",
        "SELECT * FROM customers WHERE name = 'n5'",
        "SELECT * FROM customers WHERE name LIKE '%5'",
        "SELECT * FROM orders",
    ],
)
def test_no_index_where_none_would_help(file: Path, text: str) -> None:
    assert _advised(file, text).advice == ()


def test_the_file_stays_as_it_was(file: Path) -> None:
    before = file.read_bytes()
    assert _advised(file, "SELECT * FROM orders WHERE customer_id = ?").advice
    assert file.read_bytes() == before


def test_redundant_indexes_by_the_files_schema(file: Path) -> None:
    (one,) = _advised(file, "SELECT * FROM orders").redundant
    assert (one.index.name, one.covered_by, one.ddl) == (
        "orders_total",
        "orders_total_status",
        "DROP INDEX orders_total;",
    )
    (two,) = _advised(file, "SELECT * FROM customers").redundant
    assert (two.index.name, two.covered_by) == ("customers_kind_low", "customers_kind_low_kind")


def test_a_copy_that_plans_otherwise_proves_nothing(tmp_path: Path) -> None:
    """A virtual table is not copied; a function of the application is not there."""
    path = tmp_path / "fts.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"CREATE TABLE t (a, b); {_COUNT.format(3000)} INSERT INTO t SELECT i, i FROM n;")
        connection.commit()
    (advice,) = _advised(path, "SELECT own_function(b) FROM t WHERE a = 5").advice
    assert (advice.columns, advice.verified) == (("a",), None)


def test_no_advice_on_the_schemas_table(tmp_path: Path) -> None:
    path = tmp_path / "wide.db"
    with closing(sqlite3.connect(path)) as connection:
        for number in range(1200):
            connection.execute(f"CREATE TABLE t{number} (a)")
        connection.commit()
    assert _advised(path, "SELECT * FROM sqlite_master WHERE name = 'x'").advice == ()
