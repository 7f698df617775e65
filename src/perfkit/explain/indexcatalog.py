"""Explain room: a connection and a table come in, the table's indexes in every detail go out, as its catalog has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from perfkit.explain.indexes import Detail
from perfkit.explain.interface import Database
from perfkit.model.plan import Index
from perfkit.shared.sqlbrackets import Marked

_POSTGRES = """
SELECT i.relname, n.nspname,
       array(SELECT concat_ws(' ', pg_get_indexdef(x.indexrelid, k, true), x.indcollation[k - 1], x.indclass[k - 1], x.indoption[k - 1])
             FROM generate_series(1, x.indnkeyatts) k ORDER BY k),
       array(SELECT pg_get_indexdef(x.indexrelid, k, true) FROM generate_series(x.indnkeyatts + 1, x.indnatts) k),
       CASE WHEN EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = x.indexrelid) THEN 'a constraint'
            WHEN x.indisreplident THEN 'replication' WHEN x.indisclustered THEN 'CLUSTER'
            WHEN EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = x.indexrelid) THEN 'the index of all partitions' ELSE '' END,
       EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = x.indrelid
               AND (x.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND CASE WHEN %s::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = %s END"""
# Statistics that nobody has reset begin with the server, unless it was stopped and took them over: those of the whole server
# (pg_stat_bgwriter) are older then, and how old those of this database are is not known.
_POSTGRES_AGE = """
SELECT extract(epoch FROM now() - CASE WHEN d.stats_reset IS NOT NULL THEN d.stats_reset
         WHEN b.stats_reset < pg_postmaster_start_time() - interval '1 minute' THEN NULL ELSE pg_postmaster_start_time() END)::float8
FROM pg_stat_database d, pg_stat_bgwriter b WHERE d.datname = current_database()"""
_MYSQL_AGE = "SHOW GLOBAL STATUS LIKE 'Uptime'"
_MYSQL = """
SELECT index_name, column_name, {expression}, sub_part, collation, {hidden} FROM information_schema.statistics
WHERE table_name = %s AND table_schema = coalesce(%s, database()) ORDER BY index_name, seq_in_index"""
_MYSQL_FOREIGN = """
SELECT constraint_name, column_name FROM information_schema.key_column_usage WHERE table_name = %s
AND table_schema = coalesce(%s, database()) AND referenced_table_name IS NOT NULL ORDER BY constraint_name, ordinal_position"""
_SQLITE = 'SELECT seqno, name, "desc", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno'
_SQLITE_TEXT = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?"
Rows = Sequence[Sequence[Any]]


def details(database: Database, table: str, schema: str | None = None) -> tuple[Detail, ...]:
    """Raises ServerGone."""
    indexes = database.indexes(table, schema)
    if not indexes:
        return ()
    if database.system == "postgresql":
        return _postgres(database, indexes, table, schema)
    if database.system == "sqlite":
        return tuple(_sqlite(database, index) for index in indexes)
    return _mysql(database, indexes, table, schema)


def age(database: Database) -> float | None:
    """Seconds since the server began to count the uses of indexes, at the least; None where it is not known. Raises ServerGone."""
    query = {"postgresql": _POSTGRES_AGE, "sqlite": ""}.get(database.system, _MYSQL_AGE)
    found = database.rows(query) if query else []
    return float(found[0][-1]) if found and found[0][-1] is not None else None


def _postgres(database: Database, indexes: Sequence[Index], table: str, schema: str | None) -> tuple[Detail, ...]:
    found = {row[0]: row for row in database.rows(_POSTGRES, (table, schema, schema))}
    made = []
    for index in indexes:
        if row := found.get(index.name):
            made.append(Detail(index, tuple(row[2]), frozenset(row[3]), row[4], row[5], row[1]))
        else:
            made.append(_unknown(index))
    return tuple(made)


def _mysql(database: Database, indexes: Sequence[Index], table: str, schema: str | None) -> tuple[Detail, ...]:
    """MySQL 8 has expressions and INVISIBLE, MariaDB has IGNORED; a server refuses the columns that it does not have."""
    rows: Rows = []
    for expression, hidden in (("expression", "is_visible = 'NO'"), ("NULL", "ignored = 'YES'"), ("NULL", "0")):
        if rows := database.rows(_MYSQL.format(expression=expression, hidden=hidden), (table, schema)):
            break
    keys: dict[str, list[str]] = {}
    columns_of: dict[str, list[str]] = {}
    for name, column, expression, part, direction, _ in rows:
        words = (f"({expression})" if expression else str(column), "" if part is None else f"({part})", direction or "")
        columns_of.setdefault(str(name), []).append(words[0] + words[1])
        keys.setdefault(str(name), []).append(" ".join(word for word in words if word))
    foreign = _by_first(database.rows(_MYSQL_FOREIGN, (table, schema)))
    made = []
    hidden_ones = {row[0] for row in rows if row[5]}
    for index in indexes:
        columns = tuple(columns_of.get(index.name, index.columns))
        index = replace(index, columns=columns, valid=index.valid and index.name not in hidden_ones)
        serves = any(_begins(index, columns) for columns in foreign)
        made.append(Detail(index, tuple(keys.get(index.name, ())), serves_foreign_key=serves, schema=schema))
    return tuple(made)


def _sqlite(database: Database, index: Index) -> Detail:
    parts = sqlite_expressions(database, index.name)
    keys, columns = [], []
    for at, column, descending, collation in database.rows(_SQLITE, (index.name,)):
        columns.append(column if column is not None else parts[at] if at < len(parts) else "expression")
        keys.append(f"{columns[-1]} {collation} {descending}")
    own = index.name.startswith("sqlite_autoindex_") or not keys
    return Detail(replace(index, columns=tuple(columns)), tuple(keys), backs="a constraint" if own else "")


def sqlite_expressions(database: Database, index: str) -> tuple[str, ...]:
    """What stands between the parentheses of its CREATE INDEX, one a key, with COLLATE, ASC and DESC."""
    found = database.rows(_SQLITE_TEXT, (index,))
    if not found or not found[0][0]:
        return ()
    marked = Marked(str(found[0][0]), "sqlite")
    opening = next((at for at in marked.level(0, len(marked.tokens)) if marked.low(at) == "("), None)
    return (
        () if opening is None else tuple(marked.sql(*part) for part in marked.split(opening + 1, marked.ends[opening]))
    )


def _by_first(rows: Rows) -> list[list[str]]:
    """The second values of the rows that share the first."""
    groups: dict[Any, list[str]] = {}
    for key, column in rows:
        groups.setdefault(key, []).append(str(column).lower())
    return list(groups.values())


def _begins(index: Index, columns: Sequence[str]) -> bool:
    return {column.lower() for column in index.columns[: len(columns)]} == set(columns)


def _unknown(index: Index) -> Detail:
    """Not in the catalog any more: nothing is said of it."""
    return Detail(index, (), frozenset(), "nobody knows what")
