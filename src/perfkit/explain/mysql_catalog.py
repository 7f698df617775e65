"""Explain room: rows of information_schema come in, tables and indexes go out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from perfkit.explain.interface import Column, Table
from perfkit.model.plan import Index

FUNCTIONS = "SELECT routine_name FROM information_schema.routines WHERE routine_type = 'FUNCTION'"
VIEWS = "SELECT table_name, view_definition FROM information_schema.views WHERE lower(table_name) IN %s"
TABLES = """
SELECT table_schema, table_name, table_rows, data_length FROM information_schema.tables
WHERE table_name = %s AND table_schema = coalesce(%s, database()) LIMIT 1"""
COLUMNS = """
SELECT column_name, column_type, is_nullable FROM information_schema.columns
WHERE table_name = %s AND table_schema = %s ORDER BY ordinal_position"""
BASE_TABLE = """
SELECT 1 FROM information_schema.tables
WHERE table_name = %s AND table_schema = coalesce(%s, database()) AND table_type = 'BASE TABLE'"""
COLUMN_NAMES = """
SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = coalesce(%s, database())"""
INDEXES = """
SELECT index_name, non_unique, column_name, sub_part, index_type, cardinality FROM information_schema.statistics
WHERE table_name = %s AND table_schema = coalesce(%s, database()) ORDER BY index_name, seq_in_index"""
SCANS = """
SELECT index_name, count_star FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE object_name = %s AND object_schema = coalesce(%s, database()) AND index_name IS NOT NULL"""


def table(row: Sequence[Any], columns: Sequence[Sequence[Any]], indexes: Sequence[Sequence[Any]]) -> Table:
    """The number of different values is known of the first column of each index."""
    schema, name, rows, size = row
    distinct: dict[str, float] = {}
    seen: set[str] = set()
    for index, _, column, _, _, cardinality in indexes:
        if index not in seen and column and cardinality is not None:
            distinct[column] = float(cardinality)
        seen.add(index)
    return Table(
        name,
        schema,
        None if rows is None else int(rows),
        None if size is None else int(size),
        tuple(Column(column, kind, nullable == "YES", distinct.get(column)) for column, kind, nullable in columns),
    )


def indexes(of: str, rows: Sequence[Sequence[Any]], scans: Mapping[str, int]) -> Iterator[Index]:
    """One Index for the rows of each name."""
    names = list(dict.fromkeys(row[0] for row in rows))
    for name in names:
        parts = [row for row in rows if row[0] == name]
        columns = tuple(f"{part[2]}({part[3]})" if part[3] else str(part[2] or "expression") for part in parts)
        primary = name == "PRIMARY"
        yield Index(name, of, columns, not parts[0][1], primary, method=str(parts[0][4]).lower(), scans=scans.get(name))
