"""Explain room: the schema and the statistics of an SQLite file come in, tables and indexes go out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from perfkit.explain.interface import Column, Database, Table
from perfkit.model.plan import Index

_WHERE = re.compile(r"\)\s*WHERE\s+(?P<predicate>.+)$", re.IGNORECASE | re.DOTALL)


def table(database: Database, name: str) -> Table | None:
    """Rows are those that ANALYZE counted, else from the smallest rowid to the largest, which SQLite finds without a scan."""
    if not database.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)):
        return None
    stats = _stats(database, name)
    rows = max((numbers[0] for numbers in stats.values() if numbers), default=None)
    if rows is None:
        of = _quoted(name)
        ends = database.rows(f"SELECT (SELECT min(rowid) FROM {of}), (SELECT max(rowid) FROM {of})")
        rows = ends[0][1] - ends[0][0] + 1 if ends and isinstance(ends[0][1], int) else None
    distinct = {
        index.columns[0]: rows / max(1, stats[index.name][1])
        for index in indexes(database, name)
        if rows is not None and len(stats.get(index.name, ())) > 1
    }
    columns = database.rows('SELECT name, type, "notnull" FROM pragma_table_info(?)', (name,))
    return Table(
        name,
        None,
        rows,
        None,
        tuple(Column(column, kind, not required, distinct.get(column)) for column, kind, required in columns),
    )


def indexes(database: Database, table: str) -> Iterator[Index]:
    for name, unique, origin, partial in database.rows(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (table,)
    ):
        parts = database.rows("SELECT name FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno", (name,))
        written = database.rows("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (name,))
        where = _WHERE.search(written[0][0] or "") if written and partial else None
        yield Index(
            name,
            table,
            tuple(str(part or "expression") for (part,) in parts),
            bool(unique),
            origin == "pk",
            where["predicate"].strip() if where else None,
        )


def _stats(database: Database, table: str) -> Mapping[str, list[int]]:
    """What ANALYZE wrote: by index, its rows and then the rows for each prefix of its columns."""
    rows = database.rows("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = ?", (table,))
    return {str(index): [int(word) for word in str(stat).split() if word.isdigit()] for index, stat in rows}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
