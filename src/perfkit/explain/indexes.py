"""Explain room: a table's indexes come in, what they are worth goes out: which repeat another, which nothing uses, which are broken.

Pure: `indexcatalog` asks the databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.explain.indexnames import qualified, quoted
from perfkit.model.plan import Index, RedundantIndex
from perfkit.shared import units

# Statistics of less than a week may have missed the job that runs on Sundays.
LEAST_AGE: Final = 7 * 86_400.0
_DAY: Final = 86_400.0
_LENGTH: Final = re.compile(r"\(\d+\)$")
_ORDERED = frozenset({"btree", ""})


@dataclass(frozen=True, slots=True)
class Detail:
    """An index with all that makes two of them the same. `keys` are its columns in order, each with collation, operator class,
    direction and length as far as the database tells; `include` what it carries beside them. `backs` names what needs this very
    index: a constraint, replication; empty where nothing does. `serves_foreign_key`: deletes in another table look into it."""

    index: Index
    keys: tuple[str, ...]
    include: frozenset[str] = frozenset()
    backs: str = ""
    serves_foreign_key: bool = False
    schema: str | None = None

    @property
    def is_free(self) -> bool:
        """Whether it may go if another index does its work."""
        return not (self.index.unique or self.index.primary or self.backs)


def redundant(details: Sequence[Detail], system: str) -> tuple[RedundantIndex, ...]:
    """Indexes whose work another one of the same table does: the same keys, or the first of its keys, with equal predicate, method,
    operator classes and collations. Unique indexes and those that something needs are never among them."""
    found: list[RedundantIndex] = []
    gone: dict[str, str] = {}
    for detail in sorted(details, key=lambda one: (len(one.keys), one.index.name), reverse=True):
        by = next((other for other in details if other.index.name not in gone and _does_work_of(other, detail)), None)
        if by is not None:
            gone[detail.index.name] = by.index.name
            found.append(RedundantIndex(detail.index, by.index.name, drop(detail, system)))
    named = (replace(one, covered_by=_last(gone, one.covered_by)) for one in found)
    return tuple(sorted(named, key=lambda one: one.index.name))


def _last(gone: Mapping[str, str], name: str) -> str:
    """Where the one that does the work is redundant itself, the one that does its work."""
    while name in gone:
        name = gone[name]
    return name


def _does_work_of(other: Detail, detail: Detail) -> bool:
    mine, its = detail.index, other.index
    if other is detail or mine.table != its.table or not (detail.is_free and mine.valid and its.valid):
        return False
    if (mine.method, mine.partial) != (its.method, its.partial) or other.keys[: len(detail.keys)] != detail.keys:
        return False
    if not detail.keys or not detail.include <= other.include | set(its.columns):
        return False
    if len(other.keys) > len(detail.keys):
        return mine.method.lower() in _ORDERED
    # Of two equal ones the other stays: because it is needed anyway, carries more, or comes first by name.
    if not other.is_free or other.include > detail.include:
        return True
    return other.include == detail.include and its.name < mine.name


def drop(detail: Detail, system: str) -> str:
    """The statement that would remove it; nobody runs it here."""
    name = detail.index.name
    if system == "postgresql":
        return f"DROP INDEX CONCURRENTLY {qualified(name, detail.schema, system)};"
    if system in ("mysql", "mariadb"):
        return f"ALTER TABLE {quoted(detail.index.table, system)} DROP INDEX {quoted(name, system)}, ALGORITHM=INPLACE, LOCK=NONE;"
    return f"DROP INDEX {quoted(name, system)};"


def remarks(details: Sequence[Detail], age: float | None, system: str) -> tuple[str, ...]:
    """On indexes that are broken, and on those that nothing used. `age` is seconds since the server began to count, None where it
    does not count or does not say since when."""
    return (*_broken(details, system), *_unused(details, age, system))


def _broken(details: Sequence[Detail], system: str) -> Iterator[str]:
    for detail in details:
        if not detail.index.valid and system == "postgresql":
            yield (
                f"index {detail.index.name} on {detail.index.table} is not valid: it is written and never read, as after a CREATE "
                f"INDEX CONCURRENTLY that failed. REINDEX INDEX CONCURRENTLY or drop it."
            )
        elif not detail.index.valid:
            yield f"index {detail.index.name} on {detail.index.table} is hidden from the planner: it is written and never read."


def _unused(details: Sequence[Detail], age: float | None, system: str) -> Iterator[str]:
    if age is None or age < LEAST_AGE:
        return
    for detail in details:
        index = detail.index
        if index.scans == 0 and detail.is_free and not detail.serves_foreign_key and index.valid:
            size = f" It takes {units.size(index.bytes)}." if index.bytes else ""
            yield (
                f"index {index.name} on {index.table} was used 0 times in the {units.count(age // _DAY)} days that this server has "
                f"counted; other servers with the same data count for themselves.{size} {drop(detail, system)}"
            )


def covers(detail: Detail, columns: Sequence[str]) -> bool:
    """Whether these columns, or more after them, are its first ones, for all rows."""
    index = detail.index
    if not index.valid or index.partial or index.method.lower() not in _ORDERED:
        return False
    return tuple(map(_bare, index.columns[: len(columns)])) == tuple(map(_bare, columns))


def starts(detail: Detail, column: str) -> bool:
    return bool(detail.index.columns) and _bare(detail.index.columns[0]) == _bare(column)


def made_redundant(details: Sequence[Detail], columns: Sequence[str], partial: str | None) -> tuple[str, ...]:
    """Indexes that one on these columns would do the work of: theirs are its first ones, in plain order."""
    bare = [_bare(column) for column in columns]
    return tuple(
        detail.index.name
        for detail in details
        if detail.is_free
        and detail.index.valid
        and partial is None
        and detail.index.partial is None
        and detail.index.method.lower() in _ORDERED
        and len(detail.index.columns) <= len(bare)
        and [_bare(column) for column in detail.index.columns] == bare[: len(detail.index.columns)]
        and not detail.include
    )


def _bare(column: str) -> str:
    """A key for comparing columns and expressions that are written in different ways; of a column with a length the column."""
    bare = _LENGTH.sub("", column.replace('"', "").replace("`", "").replace(" ", "").replace("::text", ""))
    return re.sub(r"[()]", "", bare).lower()
