"""Explain room: a plan, what its statement asks of the tables and what these are like come in; the steps that read too much go out.

Pure. Tables under 1,000 rows or five pages are read whole faster than an index leads to their rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.explain.indexes import Detail
from perfkit.explain.indexnames import qualified, quoted
from perfkit.explain.interface import Table
from perfkit.model.plan import Plan, PlanNode
from perfkit.shared import planbadges
from perfkit.shared.sqlpredicates import Comparison, TableUse, predicates

LEAST_ROWS: Final = 1000
LEAST_BYTES: Final = 5 * 8192
MOST_KEPT: Final = 0.2
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
    `counted`: the numbers are of a run, not estimates. `told` is False where the plan does not say how many rows it looks at.
    `generic`: it was planned for no value in particular."""

    path: Path
    node: PlanNode
    known: Known
    use: TableUse
    examined: float
    kept: float | None
    counted: bool
    told: bool = True
    generic: bool = False

    @property
    def whole(self) -> bool:
        return is_whole(self.node)

    @property
    def share(self) -> float | None:
        return None if self.kept is None else self.kept / max(self.examined, 1.0)


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
    return Scan(path, node, about, use, examined, kept, False, told, plan.parameters == "generic")


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


def too_small(known: Known, examined: float) -> bool:
    rows = known.rows if known.rows is not None else examined
    return max(rows, examined) < LEAST_ROWS or (known.table.bytes is not None and known.table.bytes < LEAST_BYTES)
