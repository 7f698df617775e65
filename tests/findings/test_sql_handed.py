"""Which lines execute what they were handed, and which decide on a statement themselves."""

from __future__ import annotations

import pytest

from perfkit.findings.sql_handed import passes_on
from perfkit.findings.sql_uses import EXECUTING
from perfkit.model.recording import SourceText


@pytest.mark.parametrize(
    "source",
    [
        "def query(self, sql, *values):\n    return self.db.execute(sql, values)",
        "def query(sql):\n    with connect() as db:\n        return db.execute(sql).fetchall()",
        "def query(*args):\n    return cursor.execute(*args)",
        "def query(sql, session):\n    return session.execute(text(sql))",
        "def query(sql, limit):\n    sql = sql + ' LIMIT 1'\n    return db.execute(sql)",
        "def page(base):\n    statement = f'{base} LIMIT 10'\n    return db.execute(statement)",
        "async def query(pool, statement):\n    return await pool.fetch(statement)",
        "def query(sql):\n    return db.execute(operation=sql)",
    ],
)
def test_passes_on(source: str) -> None:
    text = SourceText("/proj/db.py", 1, source)
    assert passes_on(text, source.count("\n") + 1, EXECUTING)


@pytest.mark.parametrize(
    "source",
    [
        "def rate(currency):\n    return db.execute(RATE, (currency,))",
        "def find(key):\n    return session.scalars(select(Order).where(Order.id == key))",
        "def find(key):\n    return Order.objects.get(pk=key)",
        "def find(key):\n    return db.execute(f'SELECT * FROM t WHERE id = {key}')",
        "def call(function):\n    return run(function)",
        "rows = db.execute(sql)",
        "def broken(:\n    return",
    ],
)
def test_decides(source: str) -> None:
    text = SourceText("/proj/db.py", 1, source)
    assert not passes_on(text, source.count("\n") + 1, EXECUTING)


def test_the_next_function_outwards_passes_on_to_the_inner_one() -> None:
    text = SourceText("/proj/db.py", 1, "def one(self, sql, *values):\n    return self.query(sql, *values)[0]")
    assert passes_on(text, 2, {"query"})
    assert not passes_on(text, 2, {"other"})
