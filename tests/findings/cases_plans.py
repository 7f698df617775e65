"""Cases of the rules that read plans: what fires, and what is healthy."""

from __future__ import annotations

from log_cases import NO_SAMPLES, OTHER, digest, logged, plan
from rule_cases import Fires, Quiet

from perfkit.model.plan import Index, Plan, PlanNode, RedundantIndex

_JOIN = "SELECT o.id, i.name FROM orders o JOIN item i ON i.order_id = o.id WHERE o.shop = 7"
_SORT = "SELECT * FROM event ORDER BY at"
_INSERT = "INSERT INTO orders (id, customer) VALUES (1, 2)"


def _fires(rule: str, name: str, share: float, text: str, *plans: Plan, ms: float = 5) -> Fires:
    return Fires(
        name, rule, NO_SAMPLES, "", "", share, options={**logged(digest(text, 100, ms), OTHER), "plans": plans}
    )


def _quiet(rule: str, name: str, text: str, *plans: Plan, ms: float = 5) -> Quiet:
    return Quiet(name, rule, NO_SAMPLES, options={**logged(digest(text, 100, ms), OTHER), "plans": plans})


def _join(expected: float, rows: float, inner: PlanNode, seconds: float = 0.1, kind: str = "Nested Loop") -> Plan:
    outer = PlanNode(
        "Index Scan", "orders", estimated_rows=expected, rows=rows, seconds=seconds - (inner.seconds or 0.0), cost=10.0
    )
    return plan(
        _JOIN,
        PlanNode(kind, estimated_rows=expected, rows=rows, seconds=seconds, cost=100.0, children=(outer, inner)),
        analyzed=True,
    )


def _inner(loops: float, share: float = 0.9, relation: str = "item") -> PlanNode:
    return PlanNode(
        "Seq Scan", relation, estimated_rows=1, rows=1, loops=loops, seconds=0.1 * share, cost=5.0, examined=400
    )


def _sorted(spilled: int | None, *facts: str, kind: str = "Sort") -> Plan:
    scan = PlanNode("Seq Scan", "event", estimated_rows=1e5, rows=1e5, seconds=0.02)
    node = PlanNode(
        kind,
        estimated_rows=1e5,
        rows=1e5,
        seconds=0.1,
        conditions=(("sort", "at"),),
        spilled=spilled,
        facts=facts,
        children=(scan,),
    )
    return plan(_SORT, PlanNode("Limit", rows=50, estimated_rows=50, seconds=0.1, children=(node,)), analyzed=True)


def _written(*columns: str, covered: str | None, others: int = 2) -> Plan:
    mine = Index("orders_customer", "orders", columns, scans=3, bytes=12_000_000)
    rest = tuple(Index(f"orders_{number}", "orders", ("customer", "at")) for number in range(others))
    redundant = (RedundantIndex(mine, covered, "DROP INDEX CONCURRENTLY orders_customer"),) if covered else ()
    return plan(_INSERT, PlanNode("Insert", "orders", cost=1.0), indexes=(mine, *rest), redundant=redundant)


_PLANNED = plan(
    _JOIN,
    PlanNode(
        "Nested Loop",
        cost=100_000.0,
        children=(
            PlanNode("Seq Scan", "orders", estimated_rows=5_000, cost=100.0),
            PlanNode("Seq Scan", "item", estimated_rows=1, cost=18.0),
        ),
    ),
)
FIRES = [
    _fires("nested-loop-blowup", "an inner table without an index", 0.45, _JOIN, _join(4_000, 5_000, _inner(5_000))),
    _fires("nested-loop-blowup", "most of the time inside", 0.35, _JOIN, _join(4_000, 2_000, _inner(2_000, 0.7))),
    _fires("nested-loop-blowup", "by the planner's own reckoning", 0.5, _JOIN, _PLANNED),
    _fires("misestimate", "12 rows expected, 900 came", 0.5, _JOIN, _join(12, 900, _inner(900))),
    _fires("misestimate", "a thousand times, and a join row by row", 0.5, _JOIN, _join(1, 950, _inner(950))),
    _fires("misestimate", "a hash join below one row by row", 0.5, _JOIN, _join(20, 999, _inner(999, 0.2))),
    _fires("sort-spill", "an external merge", 0.5, _SORT, _sorted(41_000_000)),
    _fires("sort-spill", "said in words", 0.5, _SORT, _sorted(None, "Sort Method: external merge")),
    _fires("sort-spill", "a hash in eight batches", 0.5, _SORT, _sorted(None, "Hash Batches: 8", kind="Hash")),
    _fires("redundant-index", "covered by a longer one", 0.125, _INSERT, _written("customer", covered="orders_0")),
    _fires("redundant-index", "the same twice", 0.125, _INSERT, _written("customer", "at", covered="orders_0")),
    _fires("redundant-index", "one of six", 0.0714, _INSERT, _written("customer", covered="orders_0", others=5)),
]
QUIET = [
    _quiet("nested-loop-blowup", "sixty rounds", _JOIN, _join(60, 60, _inner(60))),
    _quiet("nested-loop-blowup", "many rounds that cost little", _JOIN, _join(5_000, 5_000, _inner(5_000, 0.1))),
    _quiet("nested-loop-blowup", "a hash join", _JOIN, _join(5_000, 5_000, _inner(1), kind="Hash Join")),
    _quiet("misestimate", "twice as many", _JOIN, _join(450, 900, _inner(900))),
    _quiet("misestimate", "fewer than expected", _JOIN, _join(5_000, 12, _inner(12))),
    _quiet("misestimate", "wrong, and a hash join all the same", _JOIN, _join(12, 900, _inner(1), kind="Hash Join")),
    _quiet("sort-spill", "in memory", _SORT, _sorted(None, "Sort Method: quicksort  Memory: 71kB")),
    _quiet("sort-spill", "a top-N sort", _SORT, _sorted(0, "Sort Method: top-N heapsort  Memory: 27kB")),
    _quiet("sort-spill", "a hash in one batch", _SORT, _sorted(None, "Hash Batches: 1", kind="Hash")),
    _quiet("redundant-index", "each does its own work", _INSERT, _written("customer", covered=None)),
    _quiet("redundant-index", "a table that is only read", _SORT, _written("customer", covered="orders_0")),
    _quiet("redundant-index", "hardly ever written", _INSERT, _written("customer", covered="orders_0"), ms=0.01),
]
