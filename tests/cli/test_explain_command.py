"""`perfkit explain` and `run --dsn` as people call them: plans on SQLite and PostgreSQL, and what cannot be explained."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

import databases
from perfkit_command import Here

_BY_CUSTOMER = "SELECT id, total FROM orders WHERE customer = 7 ORDER BY created DESC LIMIT 20"


@pytest.fixture
def shop(here: Here) -> str:
    """A SQLite database in which an index on (customer, created) is missing; its DSN."""
    with closing(sqlite3.connect(here.folder / "shop.db")) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT, created TEXT, total INT)")
        rows = ((n, n * 7919 % 2000, f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}", n % 97) for n in range(20_000))
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
        connection.execute("ANALYZE")
        connection.commit()
    return "sqlite:///shop.db"


def digest_of(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()).encode()


def test_a_plan_and_the_index_that_helps(here: Here, shop: str) -> None:
    ended = here("explain", "--dsn", shop, _BY_CUSTOMER)
    assert ended.code == 0, ended.err
    assert "SCAN on orders" in ended.text
    assert "CREATE INDEX orders_customer_created_idx ON orders (customer, created);" in ended.text
    assert "tried with" in ended.text


def test_the_statement_may_be_in_a_file_or_come_from_stdin(here: Here, shop: str) -> None:
    (here.folder / "query.sql").write_text(_BY_CUSTOMER)
    shown = here("explain", "--dsn", shop, _BY_CUSTOMER).out
    assert here("explain", "--dsn", shop, "query.sql").out == shown
    assert here("explain", "--dsn", shop, "-", stdin=_BY_CUSTOMER.encode()).out == shown


def test_a_plan_that_is_there_already(here: Here) -> None:
    (here.folder / "plan.txt").write_text(
        " Seq Scan on orders  (cost=0.00..4298.00 rows=10 width=8) (actual time=0.010..41.120 rows=12 loops=1)\n"
        "   Filter: (customer = 7)\n   Rows Removed by Filter: 199988\n Execution Time: 41.2 ms\n"
    )
    ended = here("explain", "--plan", "plan.txt")
    assert ended.code == 0, ended.err
    assert "Seq Scan on orders" in ended.text
    assert "200,000 rows" in ended.text and "keeps 12" in ended.text
    assert here("explain", "--plan", "-", stdin=(here.folder / "plan.txt").read_bytes()).out == ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to explain was named"),
        (["SELECT 1"], "none was named"),
        (["SELECT 1", "--plan", "x"], "cannot be explained together"),
        (["--from", "latest", "--plan", "x"], "cannot be explained together"),
        (["SELECT 1", "--dsn", "oracle://db/x"], "perfkit explains nothing on oracle"),
        (["SELECT 1", "--dsn", "sqlite:///missing.db"], "missing.db cannot be read"),
        (["SELECT x FROM nowhere", "--dsn", "sqlite:///shop.db"], "no such table"),
        (["DELETE FROM orders; DROP TABLE orders", "--dsn", "sqlite:///shop.db"], "more than one statement"),
        (["DROP TABLE orders", "--dsn", "sqlite:///shop.db"], "no plan"),
        (["--plan", "missing.txt"], "missing.txt cannot be read"),
        (["--plan", "shop.db"], "no plan in the text"),
        (["--from", "latest", "--dsn", "sqlite:///shop.db"], "no recording"),
        (["SELECT 1", "--dsn", "postgresql://u:s3cret@127.0.0.1:1/x"], "127.0.0.1"),
    ],
)
def test_mistakes(here: Here, shop: str, words: list[str], said: str) -> None:
    before = digest_of(here.folder / "shop.db")
    ended = here("explain", *words)
    assert ended.code != 0
    error = ended.error(ended.code)
    assert said in error
    assert "s3cret" not in error
    assert digest_of(here.folder / "shop.db") == before


def test_a_run_with_a_dsn_names_the_index_at_the_line(here: Here, shop: str) -> None:
    (here.folder / "report.py").write_text(
        "import sqlite3\n"
        "database = sqlite3.connect('shop.db')\n"
        "for customer in range(300):\n"
        "    database.execute('SELECT id, total FROM orders WHERE customer = ? ORDER BY created', (7,)).fetchall()\n"
    )
    ended = here.run(sys.executable, "report.py", options=("--dsn", shop))
    assert ended.code == 0, ended.err
    found = here.report()
    missing = [finding for finding in found["findings"] if finding["rule"] == "missing-index"]
    assert missing and missing[0]["where"]["line"] == 4
    assert "ON orders (customer" in missing[0]["advice"]["text"]
    assert found["plans"][0]["advice"][0]["verified"]
    assert "Plans" in here.recordings[0].with_suffix(".html").read_text()


def test_a_dsn_that_does_not_work_is_said_before_anything_starts(here: Here) -> None:
    ended = here.run(sys.executable, "-c", "open('ran', 'w')", options=("--dsn", "sqlite:///missing.db"))
    assert "missing.db cannot be read" in ended.error(ended.code)
    assert not (here.folder / "ran").exists()


def test_plans_for_a_log(here: Here, shop: str) -> None:
    """Django's log of the same database: its worst statement gets its plan."""
    (here.folder / "debug.log").write_text(
        "\n".join(
            f'(0.0{n % 5 + 3}0) SELECT "orders"."id" FROM "orders" WHERE "orders"."customer" = {n}; args=({n},); alias=default'
            for n in range(40)
        )
    )
    assert here("sql", "-q", "debug.log").code == 0
    ended = here("explain", "--from", "latest", "--dsn", shop)
    assert ended.code == 0, ended.err
    assert "1 plan" in ended.err
    rules = {finding["rule"] for finding in here.findings()}
    assert "missing-index" in rules
    assert json.dumps(here.report()["plans"]).count("CREATE INDEX") >= 1


@pytest.mark.real
def test_postgresql_by_its_url(here: Here) -> None:
    with databases.postgres() as server:
        ended = here("explain", "--dsn", server.dsn, "SELECT relname FROM pg_class WHERE oid = 7")
        assert ended.code == 0, ended.err
        assert "pg_class" in ended.text
        assert databases.PASSWORD not in ended.text + ended.err
