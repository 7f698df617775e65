"""Plans that somebody pastes, in the forms that the databases' manuals show, and whatever else: read, or refused in two lines."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from perfkit.errors import PerfkitError
from perfkit.explain import read_plan, redacted
from perfkit.model.plan import Plan, PlanNode

AUTO_EXPLAIN = """2026-11-21 20:00:00.000 UTC [77] LOG:  duration: 3.651 ms  plan:
\tQuery Text: SELECT count(*)
\t             FROM pg_class, pg_index
\t             WHERE oid = indrelid AND indisunique;
\tAggregate  (cost=16.79..16.80 rows=1 width=0) (actual time=3.626..3.627 rows=1 loops=1)
\t  ->  Hash Join  (cost=4.17..16.55 rows=92 width=0) (actual time=3.349..3.594 rows=92 loops=1)
\t        Hash Cond: (pg_class.oid = pg_index.indrelid)
\t        ->  Seq Scan on pg_class  (cost=0.00..9.55 rows=255 width=4) (actual time=0.016..0.140 rows=255 loops=1)
\t        ->  Hash  (cost=3.02..3.02 rows=92 width=4) (actual time=3.238..3.238 rows=92 loops=1)
\t              Buckets: 1024  Batches: 1  Memory Usage: 4kB
\t              ->  Seq Scan on pg_index  (cost=0.00..3.02 rows=92 width=4) (actual time=0.008..3.187 rows=92 loops=1)
\t                    Filter: indisunique
\t                    Rows Removed by Filter: 5
"""
PSQL = """                              QUERY PLAN
----------------------------------------------------------------------
 Nested Loop Left Join  (cost=4.65..118.62 rows=10 width=488)
   Join Filter: (t1.hundred < t2.hundred)
   ->  Parallel Bitmap Heap Scan on public.tenk1 t1  (cost=4.36..39.47 rows=10 width=244)
         Recheck Cond: (unique1 < 10)
         ->  Bitmap Index Scan on tenk1_unique1  (cost=0.00..4.36 rows=10 width=0)
               Index Cond: (unique1 < 10)
   ->  Index Scan Backward using tenk2_unique2 on tenk2 t2  (cost=0.29..7.90 rows=1 width=244)
         Index Cond: (unique2 = t1.unique2)
 Planning Time: 0.485 ms
(8 rows)
"""
MYSQL_JSON = """{
  "query_block": {
    "select_id": 1,
    "cost_info": {"query_cost": "7.41"},
    "ordering_operation": {
      "using_filesort": true,
      "nested_loop": [
        {"table": {"table_name": "c", "access_type": "ALL", "possible_keys": ["PRIMARY"], "rows_examined_per_scan": 10,
          "rows_produced_per_join": 1, "filtered": "10.00",
          "cost_info": {"read_cost": "1.10", "eval_cost": "0.10", "prefix_cost": "1.20", "data_read_per_join": "528"},
          "used_columns": ["id", "name"], "attached_condition": "(`shop`.`c`.`name` = 'secret')"}},
        {"table": {"table_name": "o", "access_type": "ref", "possible_keys": ["customer"], "key": "customer",
          "used_key_parts": ["customer_id"], "key_length": "4", "ref": ["shop.c.id"], "rows_examined_per_scan": 40,
          "rows_produced_per_join": 40, "filtered": "100.00", "using_index": true,
          "cost_info": {"read_cost": "2.21", "eval_cost": "4.00", "prefix_cost": "7.41", "data_read_per_join": "4K"},
          "used_columns": ["id", "customer_id"]}}
      ]
    }
  }
}"""
MYSQL_TREE = """-> Limit: 3 row(s)  (actual time=0.391..0.393 rows=3 loops=1)
    -> Sort: `sum(o.total)` DESC, limit input to 3 row(s) per chunk  (actual time=0.390..0.391 rows=3 loops=1)
        -> Table scan on <temporary>  (actual time=0.001..0.004 rows=10 loops=1)
            -> Aggregate using temporary table  (actual time=0.372..0.376 rows=10 loops=1)
                -> Nested loop inner join  (cost=45.25 rows=40) (actual time=0.072..0.251 rows=40 loops=1)
                    -> Filter: (c.`name` like 'a (cost=9 rows=9)%')  (cost=1.25 rows=10) (actual time=0.040..0.050 rows=4 loops=1)
                        -> Table scan on c  (cost=1.25 rows=10) (actual time=0.034..0.040 rows=10 loops=1)
                    -> Index lookup on o using customer (customer_id=c.id)  (cost=0.65 rows=4) (actual time=0.012..0.018 rows=10 loops=4)
                    -> Single-row index lookup on p using PRIMARY (id=o.id)  (cost=0.25 rows=1) (never executed)
"""
MYSQL_V2 = """{"query": "/* select#1 */ select 'secret'", "json_schema_version": "2.0", "query_plan": {
  "operation": "Filter: (t1.i = 5)", "access_type": "filter", "condition": "(t1.i = 5)", "estimated_rows": 1.0, "estimated_total_cost": 0.35,
  "actual_rows": 1, "actual_loops": 1, "actual_first_row_ms": 0.05, "actual_last_row_ms": 0.06,
  "inputs": [{"operation": "Table scan on t1", "table_name": "t1", "access_type": "table", "estimated_rows": 10.0, "estimated_total_cost": 0.35,
    "actual_rows": 10, "actual_loops": 1, "actual_first_row_ms": 0.04, "actual_last_row_ms": 0.05}]}}"""
MYSQL_TABLE = """+----+-------------+-------+------+---------------+------+---------+-----------+------+----------+-----------------------------+
| id | select_type | table | type | possible_keys | key  | key_len | ref       | rows | filtered | Extra                       |
+----+-------------+-------+------+---------------+------+---------+-----------+------+----------+-----------------------------+
|  1 | SIMPLE      | t     | ALL  | PRIMARY       | NULL | NULL    | NULL      | 5000 |    10.00 | Using where; Using filesort |
|  1 | SIMPLE      | t2    | ref  | a             | a    | 5       | shop.t.a  |   25 |   100.00 | Using index                 |
+----+-------------+-------+------+---------------+------+---------+-----------+------+----------+-----------------------------+
2 rows in set, 1 warning (0.00 sec)
"""
MYSQL_VERTICAL = """*************************** 1. row ***************************
           id: 1
  select_type: SIMPLE
        table: t
   partitions: NULL
         type: ref
possible_keys: a
          key: a
      key_len: 5
          ref: const
         rows: 50
     filtered: 100.00
        Extra: Using index
1 row in set, 1 warning (0.00 sec)
"""
SQLITE_TREE = """QUERY PLAN
|--SEARCH t1 USING INDEX i2 (a=? AND b>?)
|--MATERIALIZE late
|  `--SCAN t2
|--LIST SUBQUERY 1
|  `--SEARCH t3 AS x USING COVERING INDEX i3 (c=?)
`--USE TEMP B-TREE FOR ORDER BY
"""
SQLITE_ROWS = "3|0|0|SCAN TABLE t1\n10|0|0|SEARCH TABLE t2 AS b USING INTEGER PRIMARY KEY (rowid=?)\n"


def _walk(plan: Plan) -> list[PlanNode]:
    return [node for _, node in plan.root.walk()]


def _kinds(plan: Plan) -> list[str]:
    return [node.kind for node in _walk(plan)]


def test_auto_explain() -> None:
    plan = read_plan(AUTO_EXPLAIN)
    assert (plan.system, plan.analyzed, plan.source) == ("postgresql", True, "file")
    assert _kinds(plan) == ["Aggregate", "Hash Join", "Seq Scan", "Hash", "Seq Scan"]
    assert plan.text.startswith("SELECT count(*)") and plan.text.endswith("indisunique;")
    scan = _walk(plan)[-1]
    assert (scan.relation, scan.rows, scan.removed, scan.examined) == ("pg_index", 92, 5, 97)
    assert scan.seconds == pytest.approx(0.003187)
    assert scan.conditions == (("filter", "indisunique"),)


def test_psql() -> None:
    plan = read_plan(PSQL)
    assert not plan.analyzed and plan.planning_seconds == pytest.approx(0.000485)
    assert _kinds(plan) == ["Nested Loop", "Bitmap Heap Scan", "Bitmap Index Scan", "Index Scan"]
    loop, heap, bitmap, scan = _walk(plan)
    assert "Join Type: Left" in loop.facts and loop.conditions == (("join", "(t1.hundred < t2.hundred)"),)
    assert (heap.schema, heap.relation, heap.alias) == ("public", "tenk1", "t1") and "Parallel Aware" in heap.facts
    assert (bitmap.index, bitmap.relation) == ("tenk1_unique1", None)
    assert (scan.index, scan.relation, scan.alias, scan.cost) == ("tenk2_unique2", "tenk2", "t2", 7.90)


def test_mysql_json() -> None:
    plan = read_plan(MYSQL_JSON)
    assert (plan.system, plan.analyzed) == ("mysql", False)
    block, sort, join, outer, inner = _walk(plan)
    assert (block.cost, sort.kind, join.kind) == (7.41, "sort", "nested_loop")
    assert (outer.kind, outer.relation, outer.examined, outer.estimated_rows) == ("ALL", "c", 10, pytest.approx(1.0))
    assert (inner.kind, inner.index, inner.conditions) == ("ref", "customer", (("index", "customer_id = shop.c.id"),))
    assert join.cost == pytest.approx(7.41) and join.estimated_rows == pytest.approx(40)


def test_mysql_tree() -> None:
    plan = read_plan(MYSQL_TREE)
    assert (plan.system, plan.analyzed) == ("mysql", True)
    nodes = {node.relation or node.kind: node for node in _walk(plan)}
    assert nodes["Filter"].conditions == (("filter", "(c.`name` like 'a (cost=9 rows=9)%')"),)
    assert (nodes["Filter"].removed, nodes["Filter"].estimated_rows) == (6, 10)
    lookup = nodes["o"]
    assert (lookup.index, lookup.loops, lookup.rows, lookup.seconds) == ("customer", 4, 10, pytest.approx(0.000072))
    assert nodes["p"].rows is None and nodes["p"].seconds is None
    assert nodes["Nested loop inner join"].cost == 45.25
    assert _kinds(read_plan(f"| EXPLAIN |\n+-----+\n| {MYSQL_TREE} |\n1 row in set (0.01 sec)")) == _kinds(plan)


def test_mysql_second_version() -> None:
    plan = read_plan(MYSQL_V2)
    assert _kinds(plan) == ["Filter", "Table scan"]
    assert plan.root.removed == 9 and plan.root.seconds == pytest.approx(0.00006)


@pytest.mark.parametrize("text", [MYSQL_TABLE, MYSQL_TABLE.replace("| ", "\t").replace(" |", "").replace("|", "")])
def test_mysql_table(text: str) -> None:
    if "|" not in text:
        rows = [line.split("|")[1:-1] for line in MYSQL_TABLE.splitlines() if line.startswith("|")]
        text = "\n".join("\t".join(cell.strip() for cell in row) for row in rows)
    plan = read_plan(text)
    assert _kinds(plan) == ["filesort", "nested_loop", "ALL", "ref"]
    assert _walk(plan)[2].examined == 5000 and _walk(plan)[3].index == "a"
    assert not plan.analyzed


def test_mysql_vertical() -> None:
    assert (read_plan(MYSQL_VERTICAL).root.kind, read_plan(MYSQL_VERTICAL).root.relation) == ("ref", "t")


def test_sqlite() -> None:
    plan = read_plan(SQLITE_TREE)
    assert plan.system == "sqlite"
    root, search, _, scan, _, covered, sort = _walk(plan)
    assert (search.kind, search.relation, search.index, search.conditions) == (
        "SEARCH",
        "t1",
        "i2",
        (("index", "a=? AND b>?"),),
    )
    assert scan.relation == "t2" and covered.alias == "x" and "COVERING INDEX" in covered.facts
    assert sort.conditions == (("sort", "ORDER BY"),) and len(root.children) == 4
    rows = read_plan(SQLITE_ROWS)
    assert [(node.relation, node.alias) for node in _walk(rows)] == [(None, None), ("t1", None), ("t2", "b")]


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "hello", "SELECT * FROM t", "{", "[]", "{}", "[[[]]]", '{"Plan": 3}', '{"Plan": []}', '[{"Plan": {}}', "null", "-- ", "<?xml version='1'?>",
        "- Plan: \n    Node Type: Result", '{"query_block": 7}', "[" * 100_000, '{"a":' * 100_000, "\x00", "\ud800", "|", "+---+", "id\tselect_type",
        json.dumps({"Plan": {"Node Type": "X"}}).replace("}", ', "Plans": [{"Node Type": "Y"}]}')[:-1], "QUERY PLAN\n----\n(0 rows)\n", "->", "-> ",
    ],
)  # fmt: skip
def test_no_plan(text: str) -> None:
    with pytest.raises(PerfkitError) as raised:
        read_plan(text)
    assert raised.value.hint and "\n" not in raised.value.message + raised.value.hint


def test_too_deep() -> None:
    deep: dict[str, object] = {"Node Type": "Result"}
    for _ in range(300):
        deep = {"Node Type": "Result", "Plans": [deep]}
    tree = "\n".join(" " * at + "-> Sort" for at in range(300))
    text = "Sort  (cost=0.00..1.00 rows=1 width=4)\n" + "\n".join(
        " " * (2 + at) + "->  Sort  (cost=0.00..1.00 rows=1 width=4)" for at in range(300)
    )
    block: dict[str, object] = {"table": {"table_name": "t"}}
    for _ in range(300):
        block = {"ordering_operation": block}
    for plan in (json.dumps({"Plan": deep}), tree, text, json.dumps({"query_block": block})):
        with pytest.raises(PerfkitError, match="deep"):
            read_plan(plan)


_names = some.sampled_from(
    ["Plan", "Plans", "Node Type", "Actual Rows", "Actual Loops", "Actual Total Time", "Total Cost", "Filter", "Sort Key", "Workers", "Settings",
     "Sort Space Type", "Sort Space Used", "Temp Written Blocks", "Subplan Name", "CTE Name", "Gather", "query_block", "table", "nested_loop",
     "table_name", "rows", "filtered", "cost_info", "read_cost", "r_rows", "query_plan", "inputs", "operation", "actual_rows", "ref", "used_key_parts", "key"]
)  # fmt: skip
_words = some.one_of(
    _names,
    some.sampled_from(["CTE Scan", "CTE a", "InitPlan 1 (returns $0)", "Table scan on t", "1e999", "-1", "NaN"]),
    some.text(max_size=5),
)
_values = some.recursive(
    some.one_of(some.none(), some.booleans(), some.floats(), some.integers(), _words),
    lambda inner: some.one_of(some.lists(inner, max_size=4), some.dictionaries(_names, inner, max_size=6)),
    max_leaves=30,
)


@settings(deadline=None)
@given(some.dictionaries(some.sampled_from(["Plan", "query_block", "query_plan"]), _values, max_size=3))
def test_any_json(loaded: dict[str, object]) -> None:
    _read_or_refused(json.dumps(loaded))


_lines = some.sampled_from(
    [
        *AUTO_EXPLAIN.splitlines(),
        *PSQL.splitlines(),
        *MYSQL_TREE.splitlines(),
        *MYSQL_TABLE.splitlines(),
        *MYSQL_VERTICAL.splitlines(),
        *SQLITE_TREE.splitlines(),
        *SQLITE_ROWS.splitlines(),
        "  SubPlan 1",
        "  CTE x",
        "  ->  CTE Scan on x  (cost=0.00..1.00 rows=1 width=4)",
    ]
)


@settings(deadline=None)
@given(some.lists(some.one_of(_lines, some.text(max_size=20)), max_size=12).map("\n".join))
def test_any_lines(text: str) -> None:
    _read_or_refused(text)


@settings(deadline=None)
@given(some.text(alphabet=some.sampled_from("->()=. \n\t|+'\"`$?{}[]:,0aQ`\\/*#;"), max_size=80))
def test_any_text(text: str) -> None:
    _read_or_refused(text)


def _read_or_refused(text: str) -> None:
    try:
        plan = read_plan(text)
    except PerfkitError as error:
        assert error.hint
    else:
        redacted(plan)
        assert all(node.own_cost is None or node.own_cost >= 0 for node in _walk(plan))


@pytest.mark.parametrize(
    "unit",
    [
        "->  Sort  (cost=0.00..1.00 rows=1 width=4)\n",
        "'",
        '"',
        "(",
        "-> a\n",
        "|--SCAN t\n",
        "Filter: (a)\n",
        "\\",
        "| a ",
        "Query Text: a\n",
    ],
)
def test_time_grows_with_the_length(unit: str) -> None:
    """Ten times the text takes about ten times as long: the two are timed side by side, and far from a square's hundred."""

    def seconds(text: str) -> float:
        best = 9.0
        for _ in range(3):
            start = time.process_time()
            _read_or_refused(text)
            best = min(best, time.process_time() - start)
        return best

    head = "Sort  (cost=0.00..1.00 rows=1 width=4)\n" if unit.startswith(("Filter", "->  ")) else ""
    small, large = seconds(head + unit * 2_000), seconds(head + unit * 20_000)
    assert large < 40 * max(small, 0.001)


def test_literals_are_gone() -> None:
    for text in (
        MYSQL_JSON,
        MYSQL_V2,
        MYSQL_TREE,
        AUTO_EXPLAIN.replace("indisunique;", "name = 'secret' AND pin = 4711;"),
    ):
        plan = redacted(
            read_plan(text.replace("Filter: indisunique", "Filter: ((name = 'secret'::text) AND (pin = 4711))"))
        )
        shown = plan.raw + plan.text + repr(plan.root)
        assert "secret" not in shown and "4711" not in shown and "(cost=9 rows=9)%" not in shown
        assert read_plan(plan.raw).root.kind == plan.root.kind  # what is left is still a plan
        assert [node.cost for node in _walk(read_plan(plan.raw))] == [node.cost for node in _walk(plan)]


def test_facts_have_units_and_separators() -> None:
    plan = read_plan(
        """[{"Plan": {"Node Type": "Sort", "Sort Space Used": 10240, "Sort Space Type": "Disk", "Sort Method": "external merge",
        "Actual Rows": 5, "Actual Loops": 1, "Shared Read Blocks": 1471, "Heap Fetches": 12345, "Peak Memory Usage": 25}}]"""
    )
    assert {
        "Sort Space Used: 10,240 kB", "Shared Read Blocks: 1,471 blocks of 8 kB", "Heap Fetches: 12,345", "Peak Memory Usage: 25 kB",
    } <= set(plan.root.facts)  # fmt: skip
