"""What stands out in plans: each badge fires at the node where it begins, and stays quiet on a healthy plan."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from databases import Database as Server
from perfkit.explain import ExplainOptions, Statement, connect
from perfkit.model.plan import IndexAdvice, Plan, PlanNode
from perfkit.shared import planbadges
from perfkit.shared.planbadges import badges


def _plan(root: PlanNode, **more: object) -> Plan:
    plan = Plan("postgresql", "18", "", "", root, "", analyzed=root.rows is not None)
    return replace(plan, **more)  # type: ignore[arg-type]


def _scan(rows: float, removed: float = 0, **more: object) -> PlanNode:
    node = PlanNode(
        "Seq Scan", relation="orders", rows=rows, removed=removed, estimated_rows=rows, seconds=0.1, cost=100.0
    )
    return replace(node, **more)  # type: ignore[arg-type]


def test_a_healthy_plan_has_only_its_slowest_step() -> None:
    scan = PlanNode("Index Scan", "orders", index="orders_pkey", estimated_rows=1, rows=1, seconds=0.001, cost=8.0)
    root = PlanNode("Limit", estimated_rows=1, rows=1, seconds=0.001, cost=8.0, children=(scan,))
    assert {badge.kind for badge in badges(_plan(root))} == {"slowest"}


@pytest.mark.parametrize(
    ("expected", "got", "factor"),
    [(10, 5000, 500.0), (5000, 10, 1 / 500), (10, 99, None), (1, 60, None), (100, 999, None)],
)
def test_an_estimate_is_wrong_from_ten_times_and_a_hundred_rows(
    expected: float, got: float, factor: float | None
) -> None:
    found = planbadges.misestimates(_plan(_scan(got, estimated_rows=expected)))
    assert [badge.factor for badge in found] == ([] if factor is None else [pytest.approx(factor)])


def test_rounds_of_a_loop_count_for_a_wrong_estimate() -> None:
    assert planbadges.misestimates(_plan(_scan(20, estimated_rows=1, loops=100)))


def test_a_wrong_estimate_is_told_where_it_begins() -> None:
    wrong = _scan(10_000, estimated_rows=10)
    right = _scan(10, estimated_rows=10)
    join = PlanNode(
        "Hash Join",
        rows=50_000,
        estimated_rows=20,
        children=(right, PlanNode("Hash", rows=10_000, estimated_rows=10, children=(wrong,))),
    )
    (badge,) = planbadges.misestimates(_plan(PlanNode("Sort", rows=50_000, estimated_rows=20, children=(join,))))
    assert badge.node == (0, 1, 0)
    assert "10 rows" in badge.text and "10,000 rows" in badge.text and "1,000 times more" in badge.text


def test_a_limit_that_stops_early_is_no_wrong_estimate() -> None:
    limit = PlanNode("Limit", rows=10, estimated_rows=10, children=(_scan(10, estimated_rows=50_000),))
    assert planbadges.misestimates(_plan(limit)) == ()
    limit = PlanNode("Limit", rows=10, estimated_rows=10, children=(_scan(50_000, estimated_rows=10),))
    assert len(planbadges.misestimates(_plan(limit))) == 1


@pytest.mark.parametrize(
    ("node", "factor"),
    [
        (PlanNode("Sort", spilled=12_000_000), 12_000_000),
        (PlanNode("Hash", facts=("Hash Batches: 16",)), 16),
        (PlanNode("Sort", facts=("Sort Method: external merge",)), 1),
        (PlanNode("Hash", facts=("Original Hash Batches: 4", "Hash Batches: 1")), None),
        (PlanNode("Sort", facts=("Sort Method: quicksort",)), None),
        (PlanNode("Sort", spilled=0), None),
    ],
)
def test_what_did_not_fit_in_memory(node: PlanNode, factor: float | None) -> None:
    assert [badge.factor for badge in planbadges.sort_spills(_plan(node))] == ([] if factor is None else [factor])


def _loop(rounds: float, inner_seconds: float) -> Plan:
    outer = _scan(rounds)
    inner = _scan(1, 4_999, relation="lines", loops=rounds, seconds=inner_seconds, examined=5_000)
    join = PlanNode("Nested Loop", rows=rounds, seconds=0.1 + inner_seconds, children=(outer, inner))
    return _plan(PlanNode("Sort", rows=rounds, seconds=1.0, children=(join,)))


def test_a_loop_that_takes_most_of_the_plan() -> None:
    (badge,) = planbadges.blowups(_loop(2_000, 0.9))
    assert (badge.node, badge.factor, badge.share) == ((0,), 2_000, pytest.approx(0.9))
    assert "lines" in badge.text and "2,000 times" in badge.text and "5,000 rows" in badge.text
    assert planbadges.blowups(_loop(2_000, 0.3)) == ()
    assert planbadges.blowups(_loop(20, 0.9)) == ()


def test_a_loop_is_seen_in_the_costs_of_a_plan_that_was_not_run() -> None:
    outer = PlanNode("Seq Scan", "orders", estimated_rows=5_000, cost=100.0)
    inner = PlanNode("Index Scan", "lines", estimated_rows=1, cost=8.0)
    (badge,) = planbadges.blowups(_plan(PlanNode("Nested Loop", cost=40_200.0, children=(outer, inner))))
    assert badge.share == pytest.approx(40_100 / 40_200)


def test_a_scan_that_throws_most_away() -> None:
    (badge,) = planbadges.wasteful_scans(_plan(_scan(12, 199_988)))
    assert badge.text == "reads the whole table, 200,000 rows, and keeps 12"
    assert planbadges.wasteful_scans(_plan(_scan(100_000, 100_000))) == ()
    assert planbadges.wasteful_scans(_plan(_scan(1, 500))) == ()
    estimated = PlanNode("SCAN", "orders", estimated_rows=10)
    (badge,) = planbadges.wasteful_scans(_plan(estimated, tables={"orders": 50_000}))
    assert badge.factor == 5_000
    assert planbadges.wasteful_scans(_plan(estimated)) == ()


def test_the_slowest_step_by_its_own_time_or_cost() -> None:
    scan = _scan(10, seconds=0.9, cost=10.0)
    (badge,) = planbadges.slowest(_plan(PlanNode("Sort", rows=10, seconds=1.0, cost=100.0, children=(scan,))))
    assert (badge.node, badge.share) == ((0,), pytest.approx(0.9))
    (badge,) = planbadges.slowest(_plan(PlanNode("Sort", cost=100.0, children=(PlanNode("Seq Scan", cost=10.0),))))
    assert (badge.node, badge.share) == ((), pytest.approx(0.9))


def test_heap_fetches_lossy_pages_and_loops() -> None:
    node = PlanNode("Index Only Scan", "t", rows=1, facts=("Heap Fetches: 5000",))
    assert [badge.factor for badge in planbadges.heap_fetches(_plan(node))] == [5000]
    assert planbadges.heap_fetches(_plan(replace(node, facts=("Heap Fetches: 12",)))) == ()
    for fact in ("Lossy Heap Blocks: 40", "Heap Blocks: exact=3 lossy=40"):
        assert [badge.factor for badge in planbadges.lossy_bitmaps(_plan(replace(node, facts=(fact,))))] == [40]
    inner = replace(node, loops=5_000.0, children=(replace(node, loops=5_000.0),))
    assert [
        badge.node for badge in planbadges.many_loops(_plan(PlanNode("Nested Loop", rows=1, children=(node, inner))))
    ] == [(1,)]


def test_advice_is_shown_where_it_belongs() -> None:
    advice = IndexAdvice("orders", ("a", "b"), "CREATE INDEX …", "", "hypopg", 1000.0, 10.0, node=(0,))
    plan = _plan(PlanNode("Limit", children=(_scan(1),)), advice=(advice,))
    (badge,) = planbadges.missing_indexes(plan)
    assert (badge.node, badge.factor) == ((0,), 100.0)
    assert "orders (a, b)" in badge.text and "1,000 → 10" in badge.text


def test_every_badge_has_a_number_in_its_text() -> None:
    plan = _loop(2_000, 0.9)
    assert {"nested-loop-blowup", "wasteful-scan", "loops", "slowest"} <= {badge.kind for badge in badges(plan)}
    assert all(any(letter.isdigit() for letter in badge.text) for badge in badges(plan))


@pytest.fixture(scope="module")
def careless(postgres: Server) -> Server:
    """A PostgreSQL with little memory for sorts, which joins line by line and believes columns to be independent."""
    server = postgres.fresh()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for setting in (
            "work_mem = '64kB'",
            "enable_hashjoin = off",
            "enable_mergejoin = off",
            "enable_material = off",
            "jit = off",
        ):
            connection.execute(f"ALTER DATABASE {server.name} SET {setting}")  # type: ignore[call-overload]
        connection.execute("ALTER DATABASE " + server.name + " SET max_parallel_workers_per_gather = 0")  # type: ignore[call-overload]
        connection.execute(
            "CREATE TABLE t AS SELECT i AS id, i % 100 AS a, i % 100 AS b FROM generate_series(1, 20000) i"
        )
        connection.execute("CREATE TABLE u AS SELECT i AS id, i % 2000 AS a FROM generate_series(1, 2000) i")
        connection.execute(
            "CREATE TABLE v AS SELECT i AS id, repeat('x', 100) AS filler FROM generate_series(1, 20000) i"
        )
        connection.execute("CREATE INDEX v_id ON v (id)")
        connection.execute("ANALYZE")
    return server


@pytest.mark.real
@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("SELECT * FROM t ORDER BY md5(id::text)", "sort-spill", "went to disk while sorting"),
        ("SELECT * FROM t WHERE id % 100 = 3 AND a = 3", "misestimate", "expected 1 row, got 200 rows: 200 times more"),
        ("SELECT * FROM t WHERE id = 77", "wasteful-scan", "reads the whole table, 20,000 rows, and keeps 1"),
        (
            "SELECT count(*) FROM u u1 JOIN u u2 ON u1.a = u2.id",
            "nested-loop-blowup",
            "is looked at 2,000 times, 2,000 rows each time",
        ),
        ("SELECT id FROM v WHERE id < 5000", "heap-fetches", "4,999 rows were looked up"),
    ],
)
def test_badges_of_plans_that_postgresql_ran(careless: Server, text: str, kind: str, number: str) -> None:
    database = connect(careless.dsn, ExplainOptions(analyze=True, i_know=True))
    try:
        plan = database.explain(Statement(text))
    finally:
        database.close()
    assert isinstance(plan, Plan) and plan.analyzed
    found = [badge for badge in badges(plan) if badge.kind == kind]
    assert found and any(number in badge.text for badge in found), badges(plan)


def test_numbers_of_facts_may_have_separators() -> None:
    node = PlanNode("Index Only Scan", relation="orders", facts=("Heap Fetches: 12,345",))
    (badge,) = planbadges.heap_fetches(Plan("postgresql", "", "", "", node, ""))
    assert badge.factor == 12345
