"""Advice on a real MariaDB: nothing can try it beforehand, so here it is made and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import pytest

from databases import Database as Server
from perfkit.explain import ExplainOptions, Statement, connect
from perfkit.explain.advice import advised
from perfkit.model.plan import Plan

pytestmark = pytest.mark.real

_SCHEMA = (
    "CREATE TABLE customers (id int PRIMARY KEY, name varchar(50), email varchar(80), kind int, bio text, number varchar(20))",
    "ALTER TABLE customers ADD KEY by_number (number), ADD KEY by_kind (kind), ADD KEY by_kind_name (kind, name)",
    "ALTER TABLE customers ADD UNIQUE KEY once (email), ADD KEY email_name (email, name)",
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status varchar(10), created_at datetime, total decimal(10,2))",
    "CREATE TABLE `or``der` (id int PRIMARY KEY, `a b` varchar(20))",
    "CREATE TABLE tiny (id int)",
    "INSERT INTO customers SELECT seq, concat('n', seq), concat('E', seq), seq % 4, concat('b', seq), seq FROM seq_1_to_3000",
    """INSERT INTO orders SELECT seq, seq * 7919 % 3000 + 1, if(seq % 50 = 0, 'open', 'done'), '2024-01-01' + INTERVAL seq MINUTE, seq
       FROM seq_1_to_20000""",
    "INSERT INTO `or``der` SELECT seq, concat('k', seq) FROM seq_1_to_3000",
    "INSERT INTO tiny SELECT seq FROM seq_1_to_300",
    "ANALYZE TABLE customers, orders, `or``der`, tiny",
)


@pytest.fixture(scope="module")
def server(mariadb: Server) -> Server:
    fresh = mariadb.fresh()
    with _cursor(fresh) as cursor:
        for statement in _SCHEMA:
            cursor.execute(statement)
    return fresh


@contextmanager
def _cursor(server: Server) -> Iterator[Any]:
    login = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    with pymysql.connect(**login, database=server.name, autocommit=True) as connection, connection.cursor() as cursor:
        yield cursor


def _advised(server: Server, text: str, options: ExplainOptions | None = None) -> Plan:
    statement = Statement(text)
    database = connect(server.dsn, options)
    try:
        plan = database.explain(statement)
        assert isinstance(plan, Plan), plan
        return advised(database, statement, plan)
    finally:
        database.close()


def _names(server: Server, table: str) -> set[str]:
    with _cursor(server) as cursor:
        cursor.execute(
            "SELECT index_name FROM information_schema.statistics WHERE table_name = %s AND table_schema = database()",
            (table,),
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT * FROM orders WHERE customer_id = 7", ("customer_id",)),
        (
            "SELECT * FROM orders o WHERE o.customer_id = 7 AND o.created_at > '2024-01-05' ORDER BY o.created_at LIMIT 5",
            ("customer_id", "created_at"),
        ),
        ("SELECT * FROM orders WHERE status = 'open' ORDER BY created_at LIMIT 5", ("status", "created_at")),
        ("SELECT o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = 5", ("customer_id",)),
        ("SELECT * FROM customers WHERE bio = 'b5'", ("bio",)),
        ("SELECT * FROM `or``der` WHERE `a b` = 'k5'", ("a b",)),
        ("DELETE FROM orders WHERE customer_id = 9", ("customer_id",)),
    ],
)
@pytest.mark.parametrize("analyze", [False, True])
def test_an_advised_index_is_used_once_it_is_made(
    server: Server, text: str, columns: tuple[str, ...], analyze: bool
) -> None:
    plan = _advised(server, text, ExplainOptions(analyze=analyze, i_know=True))
    (advice,) = plan.advice
    assert (advice.columns, advice.verified, advice.cost_after) == (columns, None, None)
    assert advice.ddl.startswith("ALTER TABLE `") and advice.ddl.endswith(", ALGORITHM=INPLACE, LOCK=NONE;")
    assert advice.bytes is not None and advice.bytes > 10_000
    before = _names(server, advice.table)
    with _cursor(server) as cursor:
        cursor.execute(advice.ddl)
        (name,) = _names(server, advice.table) - before
        try:
            after = _advised(server, text)
        finally:
            cursor.execute(f"ALTER TABLE `{advice.table.replace('`', '``')}` DROP INDEX `{name}`")
    assert name in {node.index for _, node in after.root.walk()}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT * FROM tiny WHERE id = 5", ""),
        ("SELECT * FROM orders WHERE status = 'done'", "of its"),
        (
            "SELECT * FROM customers WHERE number = 55",
            "index by_number on customers (number) is not used: its type is varchar(20)",
        ),
        ("SELECT * FROM customers WHERE lower(name) = 'x'", "MariaDB indexes no expressions"),
        ("SELECT * FROM customers WHERE name LIKE '%5'", "has no fixed beginning"),
        ("SELECT * FROM customers WHERE name = 'x' OR bio = 'y'", "no single index on customers answers name OR bio"),
        ("SELECT * FROM customers WHERE email = 'E5'", ""),
    ],
)
def test_no_index_where_none_would_help(server: Server, text: str, why: str) -> None:
    plan = _advised(server, text)
    assert plan.advice == ()
    assert any(why in remark for remark in plan.remarks) if why else not plan.remarks


@pytest.mark.parametrize("value", ["'done'", "'open'", "?"])
def test_a_mean_over_all_values_is_not_said_flatly(server: Server, value: str) -> None:
    remarks = [
        one for one in _advised(server, f"SELECT * FROM orders WHERE status = {value}").remarks if "read whole" in one
    ]
    assert remarks and all("a rare one would be found faster by an index on status" in one for one in remarks)


def test_no_advice_on_the_servers_own_tables(server: Server) -> None:
    plan = _advised(server, "SELECT * FROM mysql.help_keyword WHERE name LIKE 'x%' OR help_keyword_id + 1 = 3")
    assert (plan.advice, plan.redundant) == ((), ())
    assert not any("help_keyword" in remark for remark in plan.remarks)


def test_a_mistyped_comparison_is_the_only_reason(server: Server) -> None:
    with _cursor(server) as cursor:
        cursor.execute(
            "CREATE TABLE codes (id int PRIMARY KEY, code varchar(9), KEY (code)) AS SELECT seq AS id, seq % 2 AS code FROM seq_1_to_4000"
        )
        cursor.execute("ANALYZE TABLE codes")
    (remark,) = _advised(server, "SELECT * FROM codes WHERE code = 1").remarks
    assert "put the number in quotes" in remark


def test_redundant_indexes_by_the_servers_catalog(server: Server) -> None:
    (one,) = _advised(server, "SELECT * FROM customers WHERE id > 5").redundant
    assert (one.index.name, one.covered_by) == ("by_kind", "by_kind_name")
    with _cursor(server) as cursor:
        cursor.execute(one.ddl)
        cursor.execute("ALTER TABLE customers ADD INDEX by_kind (kind)")
