"""Explain room: EXPLAIN FORMAT=JSON of MySQL (versions 1 and 2), EXPLAIN and ANALYZE FORMAT=JSON of MariaDB come in, a Plan goes out.

The databases list the tables of a join flat; here each further table is the inner side of one more nested loop, whose `loops` are the
rows before it. Seconds of MariaDB's tables and sorts leave out what is below them, and get it here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.explain.mysql_tree import plan_of_tree_json
from perfkit.explain.plantree import MOST_DEPTH, number, valid_json
from perfkit.model.plan import Plan, PlanNode

Raw = Mapping[str, Any]
# Objects that are steps of their own; what stands in any other is a step of the object around it.
_STEPS = {
    "ordering_operation": "sort", "grouping_operation": "group", "duplicates_removal": "distinct", "windowing": "window",
    "buffer_result": "buffer", "filesort": "filesort", "temporary_table": "temporary table", "materialization": "materialization",
    "window_functions_computation": "window", "block-nl-join": "block-nl-join", "union_result": "union", "intersect_result": "intersect",
    "except_result": "except",
}  # fmt: skip
_FLAGS = ("using_index", "using_index_for_group_by", "using_filesort", "using_temporary_table", "using_index_condition", "using_join_buffer", "backward_index_scan", "not_exists", "first_match", "loose_scan", "message", "buffer_type", "join_type", "r_used_priority_queue", "r_sort_passes", "dependent", "cacheable", "pushed_condition")  # fmt: skip


def is_plan(found: Raw) -> bool:
    return isinstance(found.get("query_block"), dict) or isinstance(found.get("query_plan"), dict)


def read_json(text: str) -> Plan:
    """Raises PerfkitError where it is not such a plan."""
    try:
        text = valid_json(text)
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise PerfkitError("the plan is not JSON that can be read.", "EXPLAIN FORMAT=JSON …") from None
    if not isinstance(found, dict) or not is_plan(found):
        raise PerfkitError("the JSON has no plan of MySQL or MariaDB in it.", "EXPLAIN FORMAT=JSON …")
    return plan_of(found, text)


def plan_of(found: Raw, raw: str) -> Plan:
    if isinstance(found.get("query_plan"), dict):
        return plan_of_tree_json(found, raw)
    block = found["query_block"]
    root = _block(block, 0)
    optimization = found.get("query_optimization")
    planning = number(optimization.get("r_total_time_ms")) if isinstance(optimization, dict) else None
    mariadb = "r_loops" in raw or ('"cost_info"' not in raw and "rows_examined_per_scan" not in raw)
    execution = number(block.get("r_total_time_ms"))
    return Plan(
        system="mariadb" if mariadb else "mysql",
        version="",
        fingerprint="",
        text="",
        root=root,
        raw=raw,
        analyzed="r_loops" in raw,
        source="file",
        planning_seconds=None if planning is None else planning / 1000,
        execution_seconds=None if execution is None else execution / 1000,
    )


def _block(block: Raw, depth: int) -> PlanNode:
    """A query block: its first step, or, where several stand side by side, itself with all of them."""
    children = tuple(_steps(block, depth + 1))
    cost = (
        number((block.get("cost_info") or {}).get("query_cost")) if isinstance(block.get("cost_info"), dict) else None
    )
    having = _said(block, "having_condition", "filter")
    seconds = _ms(block.get("r_total_time_ms"))
    if len(children) == 1 and not having and (depth or cost is None) and seconds is None:
        return children[0]
    below = sum(child.seconds or 0.0 for child in children)
    message = block.get("message")
    return PlanNode(
        "query block",
        conditions=having,
        estimated_rows=children[0].estimated_rows if children else None,
        rows=children[0].rows if children else None,
        loops=number(block.get("r_loops")) or 1.0,
        cost=number(block.get("cost")) if cost is None else cost,
        seconds=None if seconds is None else max(seconds, below),
        facts=(message[:200],) if isinstance(message, str) else (),
        children=children,
    )


def _steps(raw: Raw, depth: int) -> Iterator[PlanNode]:
    """What stands in an object: a table, a step, lists of them."""
    if depth > MOST_DEPTH:
        raise PerfkitError(f"the plan is more than {MOST_DEPTH} nodes deep.", "explain a simpler statement")
    for name, value in raw.items():
        if name == "table" and isinstance(value, dict):
            yield _table(value, depth + 1)
        elif name == "nested_loop" and isinstance(value, list):
            inside = [node for item in value if isinstance(item, dict) for node in _steps(item, depth + 1)]
            if inside:
                yield _joined(inside)
        elif name == "query_block" and isinstance(value, dict):
            yield _block(value, depth + 1)
        elif isinstance(value, dict):
            yield from _step(_STEPS.get(name, ""), value, depth + 1)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from _steps(item, depth + 1)


def _step(kind: str, raw: Raw, depth: int) -> Iterator[PlanNode]:
    children = tuple(_steps(raw, depth))
    key = _said(raw, "sort_key", "sort") + _said(raw, "group_key", "group")
    if not kind or (len(children) == 1 and not key and not tuple(_flags(raw)) and "r_total_time_ms" not in raw):
        yield from children
        return
    first = children[0] if children else PlanNode("")
    own = _ms(raw.get("r_total_time_ms"))
    below = sum(child.seconds or 0.0 for child in children)
    out = number(raw.get("r_output_rows"))
    yield PlanNode(
        kind,
        conditions=key,
        estimated_rows=first.estimated_rows,
        rows=first.rows if out is None else out,
        loops=number(raw.get("r_loops")) or 1.0,
        cost=first.cost,
        seconds=_inclusive(own, below, measured_whole=isinstance(raw.get("table"), dict)),
        facts=tuple(_flags(raw)),
        children=children,
    )


def _inclusive(own: float | None, below: float, measured_whole: bool) -> float | None:
    """MariaDB measures a sort that reads a table itself with the table, and any other one alone."""
    if own is None and not below:
        return None
    return max(own or 0.0, below) if measured_whole else (own or 0.0) + below


def _table(raw: Raw, depth: int) -> PlanNode:
    children = tuple(_steps(raw, depth))
    examined = number(raw.get("rows_examined_per_scan")) if "rows_examined_per_scan" in raw else number(raw.get("rows"))
    share = (number(raw.get("filtered")) if "filtered" in raw else 100.0) or 0.0
    ran = number(raw.get("r_rows"))
    kept = (number(raw.get("r_filtered")) if raw.get("r_filtered") is not None else 100.0) or 0.0
    own = _ms(raw.get("r_table_time_ms"), raw.get("r_other_time_ms"))
    below = sum(child.seconds or 0.0 for child in children)
    costs = raw.get("cost_info")
    cost = number(raw.get("cost"))
    if isinstance(costs, dict):
        cost = (number(costs.get("read_cost")) or 0.0) + (number(costs.get("eval_cost")) or 0.0)
    loops = number(raw.get("r_loops"))
    name = _text(raw.get("table_name")) or ""
    return PlanNode(
        kind=_text(raw.get("access_type")) or _text(raw.get("operation")) or "table",
        relation=None if name.startswith("<") else name or None,
        alias=name if name.startswith("<") else None,
        index=_text(raw.get("key")),
        conditions=tuple(_conditions(raw)),
        estimated_rows=None if examined is None else examined * min(share, 100.0) / 100,
        rows=None if ran is None else ran * min(kept, 100.0) / 100,
        loops=1.0 if loops is None else loops,
        cost=cost,
        seconds=_inclusive(own, below, measured_whole=False),
        removed=None if ran is None else ran * (100.0 - min(kept, 100.0)) / 100,
        examined=examined if ran is None else ran,
        facts=tuple(_flags(raw)),
        children=children,
    )


def _conditions(raw: Raw) -> Iterator[tuple[str, str]]:
    ref, parts = raw.get("ref"), raw.get("used_key_parts")
    if isinstance(parts, list) and parts and raw.get("key"):
        values = ref if isinstance(ref, list) else []
        said = [
            f"{part} = {value}" if value else str(part)
            for part, value in zip(parts, [*values, *[None] * len(parts)], strict=False)
        ]
        yield "index", ", ".join(said)[:2000]
    for name in ("index_condition", "pushed_index_condition"):
        yield from _said(raw, name, "index")
    yield from _said(raw, "attached_condition", "filter")


def _joined(nodes: Sequence[PlanNode]) -> PlanNode:
    """Left-deep, with the rows and the cost so far; the inner side's cost is that of one round."""
    left = nodes[0]
    total = left.cost
    for inner in nodes[1:]:
        rounds = left.estimated_rows
        estimated = None if rounds is None or inner.estimated_rows is None else rounds * inner.estimated_rows
        kept = None if left.rows is None else left.rows * left.loops * (inner.rows or 0.0)
        total = None if total is None or inner.cost is None else total + inner.cost
        seconds = [node.seconds for node in (left, inner) if node.seconds is not None]
        one_round = replace(inner, cost=inner.cost / max(rounds, 1.0)) if inner.cost is not None and rounds else inner
        left = PlanNode(
            "nested_loop",
            estimated_rows=estimated,
            rows=kept,
            cost=total,
            seconds=sum(seconds) if seconds else None,
            children=(left, one_round),
        )
    return left


def _said(raw: Raw, name: str, purpose: str) -> tuple[tuple[str, str], ...]:
    value = raw.get(name)
    return ((purpose, value),) if isinstance(value, str) and value else ()


def _flags(raw: Raw) -> Iterator[str]:
    for name in _FLAGS:
        value = raw.get(name)
        if value is True:
            yield name
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool) and value:
            yield f"{name}: {str(value)[:200]}"


def _ms(*values: object) -> float | None:
    found = [each for value in values if (each := number(value)) is not None]
    return sum(found) / 1000 if found else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
