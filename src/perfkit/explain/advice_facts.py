"""Explain room: a plan and its connection come in, the tables of the plan with all that advice needs to know of them go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perfkit.explain import indexcatalog
from perfkit.explain.advice_scans import Known, use_of
from perfkit.explain.indexnames import qualified, quoted
from perfkit.explain.interface import Column, Database, Table
from perfkit.model.plan import Plan
from perfkit.shared.sqlpredicates import TableUse

_SAMPLE: Final = 1000
_COMPARED = frozenset({"equal", "in"})
_SYSTEMS = frozenset({"pg_catalog", "information_schema", "mysql", "performance_schema", "sys"})
_COLLATION = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
_ROOT = """
SELECT m.nspname, p.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = pg_partition_root(c.oid) JOIN pg_namespace m ON m.oid = p.relnamespace
WHERE c.relispartition AND c.relname = %s AND n.nspname = %s"""
_LIVE = "SELECT n_live_tup FROM pg_stat_all_tables WHERE relname = %s AND schemaname = %s"


def known_tables(database: Database, plan: Plan, uses: Sequence[TableUse]) -> dict[str, Known]:
    """The tables of the plan, under the names that its nodes have for them."""
    found: dict[str, Known] = {}
    like = database.system == "postgresql" and _like_needs_class(database)
    for _, node in plan.root.walk():
        if node.relation is None or node.relation in found:
            continue
        use = use_of(node, uses, database.system)
        name = use.table if use and database.system != "postgresql" else node.relation
        schema = node.schema or (use.schema if use else None) or None
        if is_systems_own(name, schema, database.system):
            continue
        table = database.table(name, schema)
        if table is None:
            continue
        if table.rows is None and database.system == "postgresql":
            table = replace(table, rows=_written_rows(database, table))
        details = indexcatalog.details(database, name, schema)
        root = database.rows(_ROOT, (table.name, table.schema)) if database.system == "postgresql" else []
        about = Known(
            table, details, database.system, database.version, like, (root[0][0], root[0][1]) if root else None
        )
        found[node.relation] = about
    return found


def is_systems_own(table: str, schema: str | None, system: str) -> bool:
    """A table of the catalog: nobody makes indexes on those."""
    if system == "sqlite":
        return table.lower().startswith("sqlite_")
    return (schema or "").lower() in _SYSTEMS or (schema or "").startswith("pg_toast")


def _like_needs_class(database: Database) -> bool:
    found = database.rows(_COLLATION)
    return not found or str(found[0][0]) not in ("C", "POSIX")


def _written_rows(database: Database, table: Table) -> int | None:
    """Of a table that was never analysed: by the server's count of writes."""
    found = database.rows(_LIVE, (table.name, table.schema))
    return int(found[0][0]) if found and found[0][0] else None


def sampled(database: Database, known: Known, uses: Sequence[TableUse]) -> Known:
    """Where statistics do not tell how many values a compared column has, its first 1,000 rows do, roughly; only how many, no
    value is read from them. PostgreSQL has statistics of its own."""
    if database.system == "postgresql" or not known.rows:
        return known
    compared = {
        column.lower()
        for use in uses
        if use.table.lower() == known.table.name.lower()
        for column in (
            *(one.column for one in use.comparisons if one.kind in _COMPARED and not one.expression),
            *(join.column for join in use.joins),
        )
    }
    columns = tuple(
        replace(column, distinct=_distinct(database, known, column))
        if column.distinct is None and column.name.lower() in compared
        else column
        for column in known.table.columns
    )
    return replace(known, table=replace(known.table, columns=columns))


def _distinct(database: Database, known: Known, column: Column) -> float | None:
    name = quoted(column.name, database.system)
    table = qualified(known.table.name, known.table.schema, database.system)
    found = database.rows(
        f"SELECT count(DISTINCT c), count(*) FROM (SELECT {name} AS c FROM {table} LIMIT {_SAMPLE}) AS s"
    )
    if not found or not found[0][1]:
        return None
    different, seen = found[0][0], found[0][1]
    return float(different) if different < seen / 10 else (known.rows or seen) * different / seen
