"""Which table a column belongs to: the sources of a query, those of the queries around it, and what was seen of each.

In come names as they stand in FROM and in conditions, out come `Source`s, which gather what is compared, joined and read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

Kind = Literal["equal", "in", "range", "like", "null", "not-null", "true", "false", "other"]
MOST_SOURCES = 50  # of one query: beyond, columns without a table in front are left out, which keeps time linear
_DEEPEST = 20  # queries inside of queries, seen from within


class Comparison(NamedTuple):
    """`column` against values that do not come from its own row. `expression` is what is compared where it is more than the
    column (`lower(email)`), and `computes` says that no index can hold that, as far as its text shows. `wildcard`: the pattern
    begins with one; None where the text does not tell. `literal` is the constant as written, None for parameters. `cast` is the
    text type that the column is cast to: nothing for a column of text, a computation for any other.
    """

    column: str
    kind: Kind
    expression: str = ""
    computes: bool = False
    wildcard: bool | None = None
    literal: str | None = None
    cast: str = ""


class Join(NamedTuple):
    """`column` equals `other_column` of the table that this statement calls `other`."""

    column: str
    other: str
    other_column: str


class Ordering(NamedTuple):
    """`nulls` is first, last, or empty where the statement leaves it to the database."""

    column: str
    descending: bool = False
    nulls: str = ""


class Source:
    """A table of FROM, UPDATE or DELETE under its alias; `real` is False for functions, parts of WITH and queries in FROM."""

    def __init__(self, names: list[str], alias: str, real: bool) -> None:
        self.table = names[-1] if names else ""
        self.schema = names[-2] if len(names) > 1 else ""
        self.alias, self.real = alias or self.table, real
        self.comparisons: dict[Comparison, None] = {}
        self.joins: dict[Join, None] = {}
        self.either: dict[tuple[Comparison, ...], None] = {}
        self.order: tuple[Ordering, ...] = ()
        self.group: tuple[str, ...] = ()
        self.columns: dict[str, None] | None = {}
        self.limited = self.alone = False
        self.verb = ""

    def reads(self, column: str) -> None:
        if self.columns is not None:
            self.columns[column] = None


class Scope:
    """One query's sources. `known` are the columns of tables, where the caller has them, under names in lower case."""

    def __init__(self, around: Scope | None, known: Mapping[str, Collection[str]], folds: bool) -> None:
        self.around, self.known, self.folds = around, known, folds
        self.sources: dict[str, Source] = {}
        self.parts: set[str] = set()
        self.is_unclear = False
        # What ORDER BY and GROUP BY may call an item of SELECT: the column that it is, None for an expression.
        self.items: dict[str, tuple[Source, str] | None] = {}

    def key(self, name: str) -> str:
        return name.lower() if self.folds else name

    def outwards(self) -> Iterator[Scope]:
        scope: Scope | None = self
        for _ in range(_DEEPEST):
            if scope is None:
                return
            yield scope
            scope = scope.around

    def is_part(self, name: str) -> bool:
        return any(self.key(name) in scope.parts for scope in self.outwards())

    def resolve(self, names: list[str]) -> tuple[Source, str] | None:
        """The source and the column; None where the text does not tell."""
        if not names:
            return None
        if len(names) > 1:
            for scope in self.outwards():
                if source := scope.sources.get(self.key(names[-2])):
                    return source, names[-1]
            return None
        if len(self.sources) > MOST_SOURCES or (len(self.sources) > 1 and not self.known):
            return None
        sources = list(self.sources.values())
        if len(sources) == 1 and self._has(sources[0], names[0]) is not False:
            return sources[0], names[0]
        has = [source for source in sources if self._has(source, names[0])]
        if len(has) == 1 and all(self._has(source, names[0]) is not None for source in sources):
            return has[0], names[0]
        return None

    def _has(self, source: Source, column: str) -> bool | None:
        columns = self.known.get(source.table.lower()) if source.real else None
        return None if columns is None else any(self.key(column) == self.key(one) for one in columns)

    def unclear(self) -> None:
        """A column was read whose table the text does not tell: no source's columns are known in full."""
        if not self.is_unclear:
            self.is_unclear = True
            for source in self.sources.values():
                source.columns = None
