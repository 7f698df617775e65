"""Explain room: rows of PostgreSQL's catalog come in, tables and indexes go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfkit.explain.interface import Column, Table

# Of the tables of that name the one that an unqualified name means, where no schema was given.
_WHICH = """c.relname = %s AND CASE WHEN %s::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = %s END"""

TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.reltuples::float8, pg_relation_size(c.oid),
       s.seq_scan + coalesce(s.idx_scan, 0), s.n_tup_ins + s.n_tup_upd + s.n_tup_del
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'm') AND {_WHICH} LIMIT 1"""

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, s.n_distinct::float8, s.null_frac::float8, s.avg_width,
       s.most_common_freqs::float8[]
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT * FROM pg_stats WHERE schemaname = n.nspname AND tablename = c.relname AND attname = a.attname
                   ORDER BY inherited LIMIT 1) s ON true
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

INDEXES = f"""
SELECT i.relname, c.relname,
       array(SELECT pg_get_indexdef(x.indexrelid, k, true) FROM generate_series(1, x.indnkeyatts) k ORDER BY k),
       x.indisunique, x.indisprimary, pg_get_expr(x.indpred, x.indrelid, true), m.amname,
       pg_relation_size(i.oid), s.idx_scan, x.indisvalid
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = i.relam
LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = i.oid
WHERE {_WHICH} ORDER BY i.relname"""


def table(row: Sequence[Any], columns: Sequence[Sequence[Any]]) -> Table:
    """A negative number of different values is PostgreSQL's way to say a share of the rows; so is -1 rows for unknown."""
    _, schema, name, tuples, size, reads, writes = row
    rows = round(tuples) if tuples >= 0 else None
    return Table(
        name,
        schema,
        rows,
        size,
        tuple(
            Column(column, kind, nullable, _distinct(distinct, rows), nulls, width, tuple(shares) if shares else None)
            for column, kind, nullable, distinct, nulls, width, shares in columns
        ),
        reads,
        writes,
    )


def _distinct(stored: float | None, rows: int | None) -> float | None:
    if stored is None or stored == 0 or (stored < 0 and rows is None):
        return None
    return stored if stored > 0 else -stored * (rows or 0)
