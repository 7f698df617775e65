"""Explain room: steps that read too much come in, indexes that may spare them the work go out.

Pure. A candidate is wanted, not proven: `advice_trial` asks the planner. Where more than a fifth of the rows is kept none is wanted:
each row costs a page of its own, which is where PostgreSQL's own costs (random_page_cost 4) turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.explain.advice_keys import Key, Keys
from perfkit.explain.advice_scans import MOST_KEPT, Scan, too_small
from perfkit.explain.indexes import covers

MOST_INCLUDED: Final = 3
_MOST_WIDTH: Final = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """`include` are columns carried along, `where` the predicate of a partial index. `likely` orders those that nothing can try:
    the highest first."""

    scan: Scan
    keys: tuple[Key, ...]
    include: tuple[str, ...] = ()
    where: str | None = None
    likely: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(key.text for key in self.keys)

    @property
    def same(self) -> tuple[object, ...]:
        """Equal for candidates on the partitions of one table, and for those of a table that is scanned twice."""
        known = self.scan.known
        where = known.root or (known.table.schema, known.table.name)
        return where, tuple(key.sql for key in self.keys), self.include, self.where


def candidates(scan: Scan) -> Iterator[Candidate]:
    """None for small tables, for conditions that keep many rows, and for what an index has already."""
    if too_small(scan.known, scan.examined):
        return
    keys = Keys(scan.use, scan.known.table, scan.known.system, scan.known.version, scan.known.like_needs_class)
    selective = scan.share is None or scan.share <= MOST_KEPT
    seen: set[tuple[tuple[Key, ...], str | None]] = set()
    for candidate in _variants(scan, keys, selective):
        plain = [key.text for key in candidate.keys]
        if not candidate.keys or (candidate.keys, candidate.where) in seen:
            continue
        if (
            candidate.where is None
            and not any(key.special for key in candidate.keys)
            and any(covers(detail, plain) for detail in scan.known.details)
        ):
            continue
        seen.add((candidate.keys, candidate.where))
        yield candidate
        if (included := _included(scan, candidate)) != candidate:
            yield included


def either(scan: Scan) -> Iterator[tuple[Candidate, ...]]:
    """For an OR over two columns an index for each, but for those that have one: together they answer it."""
    if too_small(scan.known, scan.examined) or (scan.share is not None and scan.share > MOST_KEPT):
        return
    keys = Keys(scan.use, scan.known.table, scan.known.system, scan.known.version, scan.known.like_needs_class)
    for branches in scan.use.either:
        found = keys.of(branches)
        if len(found) == 2:
            new = [key for key in found if not any(covers(detail, [key.text]) for detail in scan.known.details)]
            if new:
                yield tuple(Candidate(scan, (key,), likely=-1) for key in new)


def _variants(scan: Scan, keys: Keys, selective: bool) -> Iterator[Candidate]:
    use = scan.use
    equal, lists, ranges, order = keys.equal, keys.lists, keys.ranges, keys.order
    sorts = bool(order) and use.limited and (use.alone or scan.path == ())
    first = (*equal, *lists)
    if selective and first:
        if ranges:
            yield Candidate(scan, (*first, ranges[0]), likely=4)
        if sorts and not lists:
            yield Candidate(scan, _merged(equal, order), likely=5)
        if not ranges:
            yield Candidate(scan, first, likely=3)
    elif selective and ranges:
        yield Candidate(scan, (ranges[0],), likely=3)
    if sorts:  # the first rows of an order are few, however many there are in all
        yield Candidate(scan, _merged(equal, order), likely=3 if equal else 2)
    if use.group and not first and not ranges:
        yield Candidate(scan, keys.group, likely=0)
    for join in keys.joins:
        yield Candidate(scan, (join, *(key for key in equal if key.text != join.text)), likely=2)
        if equal and selective:
            yield Candidate(scan, _merged(equal, (join,)), likely=1)
    where = keys.partial
    if where is not None:
        for body in (_merged(first, (*ranges[:1], *(() if ranges else order))), keys.partial_keys):
            if body:
                yield Candidate(scan, body, where=where, likely=1)
                break


def _merged(equal: Sequence[Key], after: Sequence[Key]) -> tuple[Key, ...]:
    """A column that equals one value sorts nothing."""
    texts = {key.text for key in equal}
    return (*equal, *(key for key in after if key.text not in texts))


def _included(scan: Scan, candidate: Candidate) -> Candidate:
    """With the few other columns that the statement reads, so that the index alone answers; PostgreSQL only."""
    columns = scan.use.columns
    if (
        scan.known.system != "postgresql"
        or columns is None
        or candidate.where
        or any(key.is_expression for key in candidate.keys)
    ):
        return candidate
    table = scan.known.table
    rest = [column for column in columns if column not in candidate.columns]
    found = [table.column(column) for column in rest]
    if not rest or len(rest) > MOST_INCLUDED or any(column is None for column in found):
        return candidate
    if sum(column.width or _MOST_WIDTH for column in found if column) > _MOST_WIDTH:
        return candidate
    return replace(candidate, include=tuple(rest), likely=-1)
