"""Explain room: a plan, what its statement asks of the tables and what these are like come in; indexes that may help go out.

Pure. A candidate is wanted, not proven: `advice_trial` asks the planner. Thresholds: tables under 1,000 rows or five pages are read
whole faster than an index leads to their rows; where more than a fifth of the rows is kept the same holds, since each costs a
page of its own; both are where PostgreSQL's own costs (random_page_cost 4) turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.explain.advice_keys import Key, Keys, is_text
from perfkit.explain.indexes import Detail, covers
from perfkit.explain.indexnames import qualified, quoted
from perfkit.explain.interface import Table
from perfkit.model.plan import Plan, PlanNode
from perfkit.shared import planbadges, units
from perfkit.shared.sqlpredicates import Comparison, TableUse, predicates

LEAST_ROWS: Final = 1000
LEAST_BYTES: Final = 5 * 8192
MOST_KEPT: Final = 0.2
MOST_INCLUDED: Final = 3
_MOST_WIDTH: Final = 64
_MYSQL = frozenset({"mysql", "mariadb"})
_SAME_TEXT = frozenset({"text", "bpchar", "character", "varchar"})
_INSIDE = re.compile(r"jsonb|tsvector|\[\]$")
_SORTS = re.compile(r"sort|USE TEMP B-TREE", re.IGNORECASE)
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A table with its indexes. `system` and `version` are the database's; `like_needs_class` where its collation is not C.
    `root` is the partitioned table that it is a part of, as (schema, name)."""

    table: Table
    details: tuple[Detail, ...]
    system: str
    version: str = ""
    like_needs_class: bool = True
    root: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The table that an index would be made on."""
        return self.root[1] if self.root else self.table.name

    @property
    def rows(self) -> int | None:
        return self.table.rows


@dataclass(frozen=True, slots=True)
class Scan:
    """A step that looks at `examined` rows of a table, all rounds of a loop together, and keeps `kept`, None where nothing tells.
    `counted`: the numbers are of a run, not estimates. `told` is False where the plan does not say how many rows it looks at."""

    path: Path
    node: PlanNode
    known: Known
    use: TableUse
    examined: float
    kept: float | None
    counted: bool
    told: bool = True

    @property
    def whole(self) -> bool:
        return is_whole(self.node)

    @property
    def share(self) -> float | None:
        return None if self.kept is None else self.kept / max(self.examined, 1.0)


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


def scans(plan: Plan, uses: Sequence[TableUse], known: Mapping[str, Known]) -> Iterator[Scan]:
    """The steps that an index could spare work: whole tables, searches that throw rows away, and what is sorted for a LIMIT."""
    sorts = any(_SORTS.search(node.kind) for _, node in plan.root.walk())
    for path, node in plan.root.walk():
        about = known.get(node.relation or "")
        use = use_of(node, uses, about.system) if about else None
        if about is None or use is None:
            continue
        counts = planbadges.examined_and_kept(plan, node)
        poor = counts is not None and counts[1] <= MOST_KEPT * counts[0]
        filters_more = counts is None and any(kind == "filter" for kind, _ in node.conditions)
        if is_whole(node) or poor or filters_more or (sorts and use.limited and use.order):
            scan = _scan(plan, path, node, about, use, counts)
            if scan is not None:
                yield scan


def is_whole(node: PlanNode) -> bool:
    """Also where SQLite makes an index for this one statement."""
    return (
        bool(planbadges.WHOLE_TABLE.match(node.kind))
        or "AUTOMATIC" in (node.index or "")
        or any("AUTOMATIC" in fact for fact in node.facts)
    )


def _scan(
    plan: Plan, path: Path, node: PlanNode, about: Known, use: TableUse, counts: tuple[float, float] | None
) -> Scan | None:
    examined, kept = counts if counts else (_read(node, about), None)
    if examined is None:
        return None
    if node.rows is not None:
        return Scan(path, node, about, use, examined * node.loops, None if kept is None else kept * node.loops, True)
    if is_whole(node) or kept is not None:
        kept = _estimated(plan, path, node, about, use, examined, kept)
    told = counts is not None or is_whole(node) or bool(node.children)
    return Scan(path, node, about, use, examined, kept, False, told)


def _read(node: PlanNode, about: Known) -> float | None:
    """Rows that a step looks at where it does not say: of a bitmap those that its index finds, else those that are left."""
    if is_whole(node):
        return about.rows
    return node.children[0].estimated_rows if node.children else node.estimated_rows


def use_of(node: PlanNode, uses: Sequence[TableUse], system: str) -> TableUse | None:
    """What the statement asks of the node's table: by its alias; by its name, where it stands there once."""
    relation = node.relation
    if relation is None:
        return None
    folds = system != "postgresql"
    name, alias = (text.lower() if folds else text for text in (relation, node.alias or relation))
    exact = [use for use in uses if (use.alias.lower() if folds else use.alias) == alias]
    if folds:  # these databases show the alias in the table's place, where nobody could tell which table it is
        return exact[0] if exact else None
    by_table = [use for use in uses if use.table == name]
    exact = [use for use in exact if use.table == name]
    return exact[0] if exact else by_table[0] if len(by_table) == 1 else None


def uses_of_plan(plan: Plan) -> tuple[TableUse, ...]:
    """What PostgreSQL's nodes compare, for tables that the statement names in views only, or twice: their conditions as one."""
    if plan.system != "postgresql":
        return ()
    nodes = [node for _, node in plan.root.walk()]
    sources = [
        f"{qualified(node.relation, node.schema, 'postgresql')} AS {quoted(node.alias or node.relation, 'postgresql')}"
        for node in nodes
        if node.relation
    ]
    texts = [f"({text})" for node in nodes for kind, text in node.conditions if kind in ("filter", "index", "join")]
    return (
        predicates(f"SELECT * FROM {', '.join(sources)} WHERE {' AND '.join(texts)}", "postgresql")
        if sources and texts
        else ()
    )


def _estimated(
    plan: Plan, path: Path, node: PlanNode, about: Known, use: TableUse, examined: float, kept: float | None
) -> float | None:
    if about.system == "postgresql" and kept is not None:
        return min(examined, kept * _processes(plan, path, node))
    # Without a histogram MySQL guesses that a filter keeps a tenth or all of the rows; SQLite says nothing.
    share = share_of(use.comparisons, about.table)
    if share is not None:
        return share * examined
    return kept if kept is not None and kept < examined else None


def _processes(plan: Plan, path: Path, node: PlanNode) -> float:
    """By how much PostgreSQL divided the rows of a step that several processes share (get_parallel_divisor in costsize.c)."""
    if "Parallel Aware" not in node.facts and not node.kind.startswith("Parallel"):
        return 1.0
    above = plan.root
    for step in path:
        planned = next((fact for fact in above.facts if fact.startswith("Workers Planned: ")), None)
        if planned:
            workers = float(planned.partition(": ")[2])
            return workers + max(0.0, 1.0 - 0.3 * workers)
        above = above.children[step]
    return 1.0


def share_of(comparisons: Sequence[Comparison], table: Table) -> float | None:
    """Of the rows, by what statistics tell of each column; None where they tell nothing."""
    share, told = 1.0, False
    for comparison in comparisons:
        column = table.column(comparison.column)
        if column is None or comparison.expression:
            continue
        distinct = max(1.0, column.distinct) if column.distinct else None
        part = {
            "equal": 1 / distinct if distinct else None,
            "in": min(1.0, 3 / distinct) if distinct else None,
            "null": column.nulls,
            "not-null": None if column.nulls is None else 1 - column.nulls,
        }.get(comparison.kind)
        if part is not None:
            share, told = share * part, True
    return share if told else None


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


def too_small(known: Known, examined: float) -> bool:
    rows = known.rows if known.rows is not None else examined
    return max(rows, examined) < LEAST_ROWS or (known.table.bytes is not None and known.table.bytes < LEAST_BYTES)


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


def why_not(scan: Scan) -> Iterator[str]:
    """One line each on why no index would help here, or why one that is there does not."""
    table, use = scan.known.table, scan.use
    if too_small(scan.known, scan.examined) or not scan.whole:
        return
    leading = {
        detail.index.columns[0].strip('"`').lower(): detail.index.name
        for detail in scan.known.details
        if detail.index.columns
    }
    for comparison in use.comparisons:
        name = leading.get(comparison.column.lower())
        has = f"index {name} on {table.name} ({comparison.column}) is not used: " if name else ""
        if comparison.computes:
            yield f"{has or f'no index on {table.name} helps: '}{comparison.expression} is computed for each of {_rows(scan)}, compare {comparison.column} itself"
        elif comparison.expression and scan.known.system == "mariadb":
            yield f"{has or f'no index on {table.name} helps: '}{comparison.expression} is compared for each of {_rows(scan)}, and MariaDB indexes no expressions; compare {comparison.column} itself, or index a generated column"
        elif comparison.expression:
            yield f"{has or f'no index on {table.name} helps: '}{comparison.expression} is worked out for each of {_rows(scan)}; compare {comparison.column} itself, or index the expression if it depends on nothing else, not even on settings such as the time zone"
        elif comparison.kind == "like" and comparison.wildcard:
            yield f"{has or f'no index on {table.name} helps: '}the pattern for {comparison.column} has no fixed beginning, {_rows(scan)} are compared; a trigram or full-text index finds such patterns"
        elif comparison.kind == "equal" and (mismatch := _mismatch(scan, comparison)):
            yield f"{has or f'no index on {table.name} ({comparison.column}) would help: '}{mismatch}"
        elif comparison.kind == "other" and (column := table.column(comparison.column)) and _INSIDE.search(column.type):
            yield f"no B-tree on {table.name} helps: the condition looks inside {comparison.column} ({column.type}), of {_rows(scan)}; a GIN index finds what is inside"
    for branches in use.either:
        columns = list(dict.fromkeys(one.expression or one.column for one in branches))
        if len(columns) > 1:
            yield f"no single index on {table.name} answers {' OR '.join(columns)}: {len(columns)} indexes, one for each, or a UNION can"
    if (
        scan.share is not None
        and scan.share > MOST_KEPT
        and scan.whole
        and any(_is_search(one) for one in use.comparisons)
    ):
        yield f"{table.name} is read whole because {units.share(min(1.0, scan.share))} of its {_rows(scan)} fit the condition: an index would not be faster"


def _is_search(comparison: Comparison) -> bool:
    return comparison.kind in ("equal", "in", "range", "null") and not comparison.computes


def _mismatch(scan: Scan, comparison: Comparison) -> str:
    """A comparison for which the database converts the column, not the value."""
    column = scan.known.table.column(comparison.column)
    if column is None:
        return ""
    name = comparison.column
    if scan.known.system == "postgresql":
        text = " ".join(text for _, text in scan.node.conditions)
        cast = next((found[1] for found in re.finditer(rf"\(?{re.escape(name)}\"?\)?::(\w+)", text)), "")
        if cast and not (cast in _SAME_TEXT and is_text(column.type)):
            return f"its type is {column.type} and it is compared as {cast}, for each of {_rows(scan)}"
    if scan.known.system in _MYSQL and is_text(column.type) and (comparison.literal or "").isdigit():
        return f"its type is {column.type}, and it is compared with a number, for each of {_rows(scan)}: put the number in quotes"
    return ""


def _rows(scan: Scan) -> str:
    return units.plural(round(scan.examined), "row")
