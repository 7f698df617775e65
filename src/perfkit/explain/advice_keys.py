"""Explain room: what a statement asks of a table comes in, keys that an index could have go out, in the best order.

Columns are those of the catalog: a name that is not in it gives no key, whatever the statement seems to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from perfkit.explain.indexnames import quoted
from perfkit.explain.interface import Column, Table
from perfkit.shared.sqlpredicates import Comparison, Ordering, TableUse

# Types that a B-tree cannot hold, or where it answers no comparison that people write.
_UNSORTED = frozenset(
    {"json", "xml", "point", "line", "box", "path", "polygon", "circle", "lseg", "geometry", "geography", "tsvector"}
)
_LONG: Final = re.compile(r"(?:tiny|medium|long)?(?:text|blob)\b", re.IGNORECASE | re.ASCII)
_PREFIX: Final = 64  # characters: InnoDB wants a length for long texts
_TEXT: Final = re.compile(r"text|char|citext|clob", re.IGNORECASE | re.ASCII)
# Functions that give the same for the same value, whatever the settings of the session.
_STEADY = re.compile(
    r"(?:lower|upper|btrim|ltrim|rtrim|trim|length|char_length|abs|md5|coalesce|substr|substring|left|right|replace|reverse)\(",
    re.IGNORECASE,
)
_ARROW = re.compile(r"->>?|#>>?")
_MYSQL = frozenset({"mysql", "mariadb"})


def is_text(kind: str) -> bool:
    return bool(_TEXT.search(kind))


@dataclass(frozen=True, slots=True)
class Key:
    """`text` is a column's name or an expression as the statement has it; `sql` how a CREATE INDEX writes it, with all that
    follows it. `special`: what follows makes it another key than the plain one."""

    text: str
    sql: str
    is_expression: bool = False
    special: bool = False


class Keys:
    """The keys of one table for one statement, by what they are compared with."""

    def __init__(self, use: TableUse, table: Table, system: str, version: str, like_needs_class: bool) -> None:
        self.use, self.table, self.system, self.version = use, table, system, version
        self.like_needs_class = like_needs_class

    @cached_property
    def equal(self) -> tuple[Key, ...]:
        """The column with the most different values first, those without statistics last."""
        kinds = ("equal", "null") if self.system in _MYSQL else ("equal",)
        found = [one for one in self.use.comparisons if one.kind in kinds]
        found.sort(key=lambda one: -(self._distinct(one) or 0.0))
        return self._made(found)

    @cached_property
    def lists(self) -> tuple[Key, ...]:
        return tuple(
            key for key in self._made(one for one in self.use.comparisons if one.kind == "in") if key not in self.equal
        )

    @cached_property
    def ranges(self) -> tuple[Key, ...]:
        """Also patterns with a known beginning. What is sorted by comes first: then it serves both."""
        sorted_by = self.use.order[0].column if self.use.order else ""
        found = [
            one for one in self.use.comparisons if one.kind == "range" or (one.kind == "like" and one.wildcard is False)
        ]
        found.sort(key=lambda one: one.column != sorted_by)
        taken = {key.text for key in (*self.equal, *self.lists)}
        return tuple(key for key in self._made(found) if key.text not in taken)

    @cached_property
    def order(self) -> tuple[Key, ...]:
        """Empty where one of its columns cannot be a key: half an order is none. A B-tree is read both ways."""
        keys = [self._ordered(ordering) for ordering in self.use.order]
        return tuple(key for key in keys if key) if all(keys) else ()

    @cached_property
    def group(self) -> tuple[Key, ...]:
        keys = [self._column(column) for column in self.use.group]
        return tuple(key for key in keys if key) if all(keys) else ()

    @cached_property
    def joins(self) -> tuple[Key, ...]:
        columns = dict.fromkeys(join.column for join in self.use.joins)
        return tuple(key for column in columns if (key := self._column(column)))

    @cached_property
    def partial(self) -> str | None:
        """The constant conditions that hold whatever the parameters are, and leave half of the rows out or more as far as one knows:
        IS NULL, IS NOT NULL, a boolean; None for none."""
        if self.system in _MYSQL:
            return None
        words = {"null": "{} IS NULL", "not-null": "{} IS NOT NULL", "true": "{}", "false": "NOT {}"}
        parts = []
        for one in self.use.comparisons:
            column = self._found(one.column)
            if one.kind not in words or one.expression or column is None or not self._leaves_out(one, column):
                continue
            parts.append(words[one.kind].format(quoted(column.name, self.system)))
        return " AND ".join(parts) or None

    def _leaves_out(self, one: Comparison, column: Column) -> bool:
        if one.kind in ("true", "false"):
            return self.system != "sqlite"
        nulls = 0.5 if column.nulls is None else column.nulls
        return column.nullable and (nulls <= 0.5 if one.kind == "null" else nulls >= 0.5)

    @cached_property
    def partial_keys(self) -> tuple[Key, ...]:
        """For a partial index where nothing else is compared: the column that its predicate is on."""
        found = [
            one
            for one in self.use.comparisons
            if one.kind in ("null", "not-null", "true", "false") and not one.expression
        ]
        return self._made(found[:1], plain=True)

    def of(self, comparisons: Iterable[Comparison]) -> tuple[Key, ...]:
        """One for each column of these; empty where one of them can have none."""
        keys = [self._key(one) if one.kind in ("equal", "in", "range") else None for one in comparisons]
        return tuple(dict.fromkeys(key for key in keys if key)) if all(keys) else ()

    def _made(self, comparisons: Iterable[Comparison], plain: bool = False) -> tuple[Key, ...]:
        keys = (self._column(one.column) if plain else self._key(one) for one in comparisons)
        return tuple(dict.fromkeys(key for key in keys if key is not None))

    def _key(self, one: Comparison) -> Key | None:
        if one.computes:
            return None
        if one.expression:
            return self._expression(one)
        key = self._column(one.column)
        if key is None or self.casts(one):
            return None
        if one.kind != "like":
            return key
        if self.system == "postgresql" and self.like_needs_class:
            return Key(key.text, f"{key.sql} text_pattern_ops", special=True)
        return Key(key.text, f"{key.sql} COLLATE NOCASE", special=True) if self.system == "sqlite" else key

    def _expression(self, one: Comparison) -> Key | None:
        """MariaDB has no indexes on expressions."""
        steady = bool(_STEADY.match(one.expression) or _ARROW.search(one.expression))
        if self.system == "mariadb" or "mariadb" in self.version.lower() or not self._column(one.column, any_type=True):
            return None
        if not steady and self.system in _MYSQL:
            return None
        is_call = bool(re.match(r"\w+\(", one.expression)) and not _ARROW.search(one.expression)
        bare = self.system in ("postgresql", "sqlite") and is_call
        return Key(one.expression, one.expression if bare else f"({one.expression})", is_expression=True)

    def casts(self, one: Comparison) -> bool:
        """Whether the column is no text and is compared as text; or, on MySQL, text that is compared with a number."""
        column = self._found(one.column)
        if column is None:
            return False
        if is_text(column.type):
            return self.system in _MYSQL and (one.literal or "").isdigit()
        return bool(one.cast)

    def is_steady(self, key: Key) -> bool:
        return not key.is_expression or bool(_STEADY.match(key.text) or _ARROW.search(key.text))

    def _ordered(self, ordering: Ordering) -> Key | None:
        key = self._column(ordering.column)
        if key is None:
            return None
        mixed = len({one.descending for one in self.use.order}) > 1
        nulls = ordering.nulls if self.system == "postgresql" else ""
        odd = nulls == ("last" if ordering.descending else "first")
        if not mixed and not odd:
            return key
        words = [key.sql, "DESC" if ordering.descending else "ASC", f"NULLS {nulls.upper()}" if odd else ""]
        return Key(key.text, " ".join(word for word in words if word), special=True)

    def _column(self, name: str, any_type: bool = False) -> Key | None:
        column = self._found(name)
        if column is None:
            return None
        kind = column.type.lower()
        if not any_type and (kind.split("(")[0].strip() in _UNSORTED or kind.endswith("[]")):
            return None
        written = quoted(column.name, self.system)
        if self.system in _MYSQL and _LONG.match(kind):
            written += f"({_PREFIX})"
        return Key(column.name, written)

    def _found(self, name: str) -> Column | None:
        if self.system == "postgresql":
            return self.table.column(name)
        return next((column for column in self.table.columns if column.name.lower() == name.lower()), None)

    def _distinct(self, one: Comparison) -> float | None:
        column = self._found(one.column)
        return column.distinct if column and not one.expression else None
