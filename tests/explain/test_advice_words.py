"""How often a table is written, as people write numbers, and only where it is known since when that was counted."""

from __future__ import annotations

import pytest

from databases import Database
from perfkit.explain import advice_words, connect, indexcatalog
from perfkit.explain.advice_scans import Known, Scan
from perfkit.explain.interface import Table
from perfkit.model.plan import PlanNode
from perfkit.shared.sqlpredicates import TableUse

DAY = 86_400.0


@pytest.mark.parametrize(
    ("writes", "age", "said"),
    [
        (None, DAY, "how often it is written is not counted here"),
        (200_000, None, "was written 200,000 times since its statistics began"),
        (200_000, 180.0, "was written 200,000 times in 3 minutes"),
        (1, 20.0, "was written 1 time in 20 seconds"),
        (round(1010 * DAY), DAY, "is written 1,010 times a second (mean of 24 hours)"),
        (round(4.3 * DAY * 9), 9 * DAY, "is written 4.3 times a second (mean of 9 days)"),
        (5000, DAY * 2, "is written 2,500 times a day (mean of 2 days)"),
        (0, DAY * 2, "is written 0 times a day (mean of 2 days)"),
    ],
)
def test_how_often_it_is_written(writes: int | None, age: float | None, said: str) -> None:
    known = Known(Table("orders", None, 1000, writes=writes), (), "postgresql")
    scan = Scan((), PlanNode("Seq Scan"), known, TableUse("orders", "", "orders", "select"), 1000.0, None, False)
    words = advice_words.writes(scan, age)
    assert said in words and "e+" not in words


@pytest.mark.real
@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_the_age_of_a_young_servers_statistics(request: pytest.FixtureRequest, kind: str) -> None:
    database: Database = request.getfixturevalue(kind)
    explainer = connect(database.dsn)
    age = indexcatalog.age(explainer)
    explainer.close()
    assert age is not None and 0 <= age < DAY


@pytest.mark.real
def test_statistics_that_were_reset_begin_then(postgres: Database) -> None:
    fresh = postgres.fresh()
    explainer = connect(fresh.dsn)
    before = indexcatalog.age(explainer)
    explainer.rows("SELECT pg_stat_reset()")
    after = indexcatalog.age(explainer)
    explainer.close()
    assert before is not None and after is not None and after < before
