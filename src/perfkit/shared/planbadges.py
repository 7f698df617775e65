"""What stands out in a plan: each as a `Badge` at the node where it begins, with a number and words for a newcomer.

In come plans of any database, out come badges. What a plan does not say (rows of a plan that was not run) gives no badge.
Thresholds: an estimate is wrong from 10 times and 100 rows on; a scan wastes its work when it looks at 1,000 rows or more and
gives at most a fifth; a loop matters from 1,000 rounds on and when half of the plan is spent in it; the slowest step is named
from a fifth of the plan on. They are chosen so that small plans stay quiet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from perfkit.model.plan import IndexAdvice, Plan, PlanNode
from perfkit.shared import units

Kind = Literal[
    "misestimate",
    "sort-spill",
    "nested-loop-blowup",
    "wasteful-scan",
    "missing-index",
    "slowest",
    "heap-fetches",
    "lossy",
    "loops",
]
Path = tuple[int, ...]

LEAST_FACTOR: Final = 10.0
LEAST_ROWS: Final = 100.0
LEAST_EXAMINED: Final = 1000.0
MOST_KEPT: Final = 0.2
LEAST_LOOPS: Final = 1000.0
LEAST_INNER_SHARE: Final = 0.5
LEAST_SLOWEST: Final = 0.2
WHOLE_TABLE: Final = re.compile(r"(?:(?:Parallel )?Seq Scan|ALL|Table scan|index|Index scan|SCAN)\b", re.ASCII)
_JOINED_LINE_BY_LINE = re.compile(r"nested[ _]loop", re.IGNORECASE | re.ASCII)
_METHOD = re.compile(r"external (?:merge|sort)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Badge:
    """`node` is the path from the root. `factor` is the number that `text` gives: how many times the estimate was wrong (above 1
    more rows came than were expected, below 1 fewer), bytes spilled, rounds of a loop, rows examined for each one kept, rows
    fetched, pages remembered, a share of the plan. `share` is of the whole plan's seconds or cost, where it says either."""

    kind: Kind
    node: Path
    text: str
    factor: float
    share: float | None = None


def badges(plan: Plan) -> tuple[Badge, ...]:
    """All of them, by node, and at a node what matters most first."""
    found = [badge for function in _FUNCTIONS for badge in function(plan)]
    return tuple(sorted(found, key=lambda badge: badge.node))


def misestimates(plan: Plan) -> tuple[Badge, ...]:
    """Where a wrong estimate begins: the deepest node, on whose rows all above it builds."""
    found: list[Badge] = []

    def visit(node: PlanNode, path: Path, stopped: bool) -> bool:
        stopped = stopped or node.kind == "Limit"
        below = [visit(child, (*path, number), stopped) for number, child in enumerate(node.children)]
        factor = _wrong(node, stopped)
        if factor is not None and not any(below):
            times = factor if factor >= 1 else 1 / factor
            text = f"expected {_rows(node.estimated_rows)}, got {_rows(node.rows)}: {units.count(times)} times {'more' if factor >= 1 else 'fewer'}"
            found.append(Badge("misestimate", path, text, factor, _share(plan, node)))
        return factor is not None or any(below)

    visit(plan.root, (), False)
    return tuple(found)


def _wrong(node: PlanNode, stopped: bool) -> float | None:
    """Below a LIMIT fewer rows than expected are no mistake: nobody asked for the others."""
    if node.rows is None or node.estimated_rows is None or not node.loops or node.kind in ("BitmapAnd", "BitmapOr"):
        return None
    factor = max(node.rows, 1.0) / max(node.estimated_rows, 1.0)
    if (stopped and factor < 1) or abs(node.rows - node.estimated_rows) * node.loops < LEAST_ROWS:
        return None
    return factor if factor >= LEAST_FACTOR or factor <= 1 / LEAST_FACTOR else None


def sort_spills(plan: Plan) -> tuple[Badge, ...]:
    return tuple(_sort_spills(plan))


def _sort_spills(plan: Plan) -> Iterator[Badge]:
    for path, node in plan.root.walk():
        doing = "hashing" if "Hash" in node.kind else "sorting" if "Sort" in node.kind else "working"
        batches = max(_fact(node, "Hash Batches"), _fact(node, "HashAgg Batches"), _fact(node, "Batches"))
        if node.spilled:
            text = f"{units.size(node.spilled)} went to disk while {doing}: they did not fit in memory"
            yield Badge("sort-spill", path, text, node.spilled, _share(plan, node))
        elif batches > 1:
            text = f"hashed in {units.count(batches)} parts over disk: it did not fit in memory"
            yield Badge("sort-spill", path, text, batches, _share(plan, node))
        elif any(_METHOD.search(fact) for fact in node.facts):
            yield Badge("sort-spill", path, "sorted on disk: 1 sort did not fit in memory", 1.0, _share(plan, node))


def blowups(plan: Plan) -> tuple[Badge, ...]:
    """Joins line by line whose second table is looked at again for each row of the first, and where most of the plan goes."""
    return tuple(_blowups(plan))


def _blowups(plan: Plan) -> Iterator[Badge]:
    for path, node in plan.root.walk():
        if not _JOINED_LINE_BY_LINE.search(node.kind) or len(node.children) < 2:
            continue
        outer, inner = node.children[0], node.children[1]
        loops = inner.loops if inner.rows is not None else outer.estimated_rows or 0.0
        share = _join_share(plan, node, outer)
        if loops < LEAST_LOOPS or share is None or share < LEAST_INNER_SHARE:
            continue
        examined = inner.examined if inner.examined is not None else inner.rows
        each = f", {units.count(examined)} rows each time" if examined else ""
        text = f"{_named(inner)} is looked at {units.count(loops)} times{each}: {units.share(share)} of the plan"
        yield Badge("nested-loop-blowup", path, text, loops, share)


def is_row_by_row(node: PlanNode) -> bool:
    """Whether it is a join that goes through its second side for each row of the first."""
    return _JOINED_LINE_BY_LINE.search(node.kind) is not None


def _join_share(plan: Plan, join: PlanNode, outer: PlanNode) -> float | None:
    """What all rounds take: the join without its first table."""
    if plan.root.seconds and join.seconds is not None:
        return min(1.0, max(0.0, join.seconds - (outer.seconds or 0.0)) / plan.root.seconds)
    if plan.root.cost and join.cost is not None:
        return min(1.0, max(0.0, join.cost - (outer.cost or 0.0)) / plan.root.cost)
    return None


def wasteful_scans(plan: Plan) -> tuple[Badge, ...]:
    """Scans that look at far more rows than they give."""
    return tuple(_wasteful(plan))


def _wasteful(plan: Plan) -> Iterator[Badge]:
    for path, node in plan.root.walk():
        counts = examined_and_kept(plan, node)
        if counts is None or counts[0] < LEAST_EXAMINED or counts[1] > MOST_KEPT * counts[0]:
            continue
        examined, kept = counts
        how = (
            "the whole table"
            if WHOLE_TABLE.match(node.kind)
            else f"by index {node.index}"
            if node.index
            else "much of the table"
        )
        each = f", {units.count(node.loops)} times" if node.loops > 1 and node.rows is not None else ""
        counted = "keeps" if node.rows is not None else "is expected to keep"
        text = f"reads {how}, {_rows(examined)}{each}, and {counted} {units.count(kept)}"
        yield Badge("wasteful-scan", path, text, examined / max(kept, 1.0), _share(plan, node))


def examined_and_kept(plan: Plan, node: PlanNode) -> tuple[float, float] | None:
    """Rows of one loop that a scan looks at and gives: counted where the statement ran, else estimated; None for other steps and
    where the plan tells too little."""
    if node.relation is None:
        return None
    if node.rows is not None:
        examined = node.examined if node.examined is not None else None
        if examined is None and node.removed is not None:
            examined = node.rows + node.removed
        return None if examined is None else (examined, node.rows)
    if node.estimated_rows is None:
        return None
    if node.examined is not None:
        return node.examined, node.estimated_rows
    whole = plan.tables.get(node.relation) if WHOLE_TABLE.match(node.kind) else None
    return None if whole is None else (float(whole), min(float(whole), node.estimated_rows))


def missing_indexes(plan: Plan) -> tuple[Badge, ...]:
    """Where the plan's own advice begins."""
    return tuple(_missing(advice) for advice in plan.advice)


def _missing(advice: IndexAdvice) -> Badge:
    before, after = advice.cost_before, advice.cost_after
    text = f"1 index on {advice.table} ({', '.join(advice.columns)}) would lead to the rows"
    if before is None or after is None:
        return Badge("missing-index", advice.node, text, 1.0)
    text += f": cost {units.count(before)} → {units.count(after)}"
    return Badge("missing-index", advice.node, text, before / max(after, 1e-9))


def slowest(plan: Plan) -> tuple[Badge, ...]:
    """The step with the most time of its own, or cost where the plan was not run: one, or none where no step stands out."""
    timed = bool(plan.root.seconds)
    whole = plan.root.seconds if timed else plan.root.cost
    nodes = [(node.own_seconds if timed else node.own_cost, path) for path, node in plan.root.walk()]
    own, path = max(((own or 0.0, path) for own, path in nodes), default=(0.0, ()))
    if not whole or len(nodes) < 2 or own / whole < LEAST_SLOWEST:
        return ()
    amount = units.seconds(own) if timed else f"cost {units.count(own)}"
    share = min(1.0, own / whole)
    word = "slowest" if timed else "most expensive"
    return (Badge("slowest", path, f"{word} step: {amount}, {units.share(share)} of the plan", share, share),)


def heap_fetches(plan: Plan) -> tuple[Badge, ...]:
    """Scans of an index alone that went to the table all the same."""
    return tuple(
        Badge(
            "heap-fetches",
            path,
            f"{units.count(fetches)} rows were looked up in the table although the index has all columns: VACUUM was not there lately",
            fetches,
            _share(plan, node),
        )
        for path, node in plan.root.walk()
        if (fetches := _fact(node, "Heap Fetches")) >= LEAST_EXAMINED
    )


def lossy_bitmaps(plan: Plan) -> tuple[Badge, ...]:
    return tuple(
        Badge(
            "lossy",
            path,
            f"{units.count(pages)} pages were remembered whole instead of their rows: work_mem was too small for them",
            pages,
            _share(plan, node),
        )
        for path, node in plan.root.walk()
        if (pages := max(_fact(node, "Lossy Heap Blocks"), _fact(node, "lossy"))) > 0
    )


def many_loops(plan: Plan) -> tuple[Badge, ...]:
    """Steps that are run again and again: the first one on the way down."""
    found: list[Badge] = []

    def visit(node: PlanNode, path: Path) -> None:
        if node.loops >= LEAST_LOOPS and node.rows is not None:
            each = f", {units.seconds(node.seconds / node.loops)} each" if node.seconds else ""
            found.append(
                Badge("loops", path, f"ran {units.count(node.loops)} times{each}", node.loops, _share(plan, node))
            )
            return
        for number, child in enumerate(node.children):
            visit(child, (*path, number))

    visit(plan.root, ())
    return tuple(found)


def _share(plan: Plan, node: PlanNode) -> float | None:
    """Of the plan, with all that is below the node."""
    if plan.root.seconds and node.seconds is not None:
        return min(1.0, node.seconds / plan.root.seconds)
    return min(1.0, node.cost / plan.root.cost) if plan.root.cost and node.cost is not None else None


def _rows(value: float | None) -> str:
    return units.plural(round(value or 0), "row")


def _named(node: PlanNode) -> str:
    below = next((inner for _, inner in node.walk() if inner.relation), None)
    return below.relation if below is not None and below.relation else f"the step {node.kind}"


def _fact(node: PlanNode, name: str) -> float:
    """The number that follows a name in the node's facts; 0 where there is none."""
    for fact in node.facts:
        if found := re.search(rf"(?<![A-Za-z] )\b{re.escape(name)}[:=]\s*(\d[\d,]*)", fact):
            return float(found[1].replace(",", ""))
    return 0.0


_FUNCTIONS: Final[tuple[Callable[[Plan], tuple[Badge, ...]], ...]] = (
    missing_indexes,
    wasteful_scans,
    blowups,
    misestimates,
    sort_spills,
    slowest,
    heap_fetches,
    lossy_bitmaps,
    many_loops,
)
