"""What a statement asks of each of its tables: columns compared, joined, sorted and grouped by, and which are read at all.

In come a statement's text, with its values or without, and its system; out come `TableUse`s, the outermost query's first. What is
not understood is left out rather than guessed. Nothing raises, and time grows with the text's length.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from perfkit.shared.sqlbrackets import Marked
from perfkit.shared.sqlqueries import QueryReader
from perfkit.shared.sqlscopes import Comparison, Join, Ordering, Scope, Source

__all__ = ["Comparison", "Join", "Ordering", "TableUse", "predicates"]

_LONGEST = 500_000
_UNIONS = frozenset({"union", "except", "intersect"})


@dataclass(frozen=True, slots=True)
class TableUse:
    """`comparisons` all hold at once; each of `either` are the branches of an OR. `order` and `group` are there only where all of
    it is this table's columns. `columns` are all that the statement reads of the table, None where that is unknown or `*`.
    `alone`: no other table in its query. `limited`: the query has a LIMIT. `verb` is select, update or delete.
    """

    table: str
    schema: str
    alias: str
    verb: str
    comparisons: tuple[Comparison, ...] = ()
    joins: tuple[Join, ...] = ()
    either: tuple[tuple[Comparison, ...], ...] = ()
    order: tuple[Ordering, ...] = ()
    group: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    limited: bool = False
    alone: bool = True


def predicates(text: str, system: str = "", known: Mapping[str, Collection[str]] | None = None) -> tuple[TableUse, ...]:
    """`known` are columns by table (in lower case): with them columns without a table in front find theirs in a join. Nothing is
    said of a text over half a million characters: lists of values make those, and their tokens would take a gigabyte."""
    if len(text) > _LONGEST:
        return ()
    reader = _Statement(Marked(text, system), known or {})
    return tuple(_use(source) for source in reader.read() if source.real)


def _use(source: Source) -> TableUse:
    return TableUse(
        source.table,
        source.schema,
        source.alias,
        source.verb,
        tuple(source.comparisons),
        tuple(source.joins),
        tuple(source.either),
        source.order,
        source.group,
        None if source.columns is None else tuple(source.columns),
        source.limited,
        source.alone,
    )


class _Statement:
    """The queries of a statement, those around first. Each part of a UNION is a query of its own."""

    def __init__(self, marked: Marked, known: Mapping[str, Collection[str]]) -> None:
        self.marked, self.known = marked, known
        self.found: list[Source] = []
        self.scopes: dict[int, tuple[list[int], list[Scope]]] = {}

    def read(self) -> list[Source]:
        self._query(-1, None)
        for at, around in self.marked.queries.items():
            starts, scopes = self.scopes[around]
            self._query(at, scopes[max(0, bisect.bisect_right(starts, at) - 1)])
        return self.found

    def _query(self, opening: int, around: Scope | None) -> None:
        marked, end = self.marked, self.marked.ends.get(opening, len(self.marked.tokens))
        shared = Scope(around, self.known, marked.folds)
        start = self._parts_of_with(opening + 1, end, shared)
        if shared.parts:
            around = shared
        starts, scopes = [opening + 1], [shared]
        unions = [at for at in marked.level(start, end) if marked.low(at) in _UNIONS and marked.low(at - 1) != "."]
        for at in (*unions, end):
            scope = Scope(around, self.known, marked.folds)
            starts.append(start)
            scopes.append(scope)
            QueryReader(marked, scope, start, at, whole=not unions).read()
            self.found += scope.sources.values()
            start = at + 1
        self.scopes[opening] = (starts, scopes)

    def _parts_of_with(self, start: int, end: int, scope: Scope) -> int:
        """The index after WITH name AS (…), …; the names are no tables in what follows."""
        marked = self.marked
        if marked.low(start) != "with":
            return start
        at = start + 1 + (marked.low(start + 1) == "recursive")
        while at < end:
            names, at = marked.names(at)
            scope.parts.update(scope.key(name) for name in names)
            at = marked.ends[at] + 1 if marked.low(at) == "(" else at
            while marked.low(at) in ("as", "not", "materialized"):
                at += 1
            if marked.low(at) != "(":
                break
            at = marked.ends[at] + 1
            if marked.low(at) != ",":
                break
            at += 1
        return at
