"""Explain room: PostgreSQL's EXPLAIN (FORMAT JSON) comes in, a Plan goes out.

PostgreSQL gives times as the mean of one loop. Below a Gather the loops of all processes are counted, which ran side by side: their
time is divided by the number of processes, so that a node never takes longer than what waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.explain.plantree import MOST_DEPTH, hung_where_used, number
from perfkit.model.plan import Plan, PlanNode

_BLOCK = 8192
CONDITIONS = {
    "Index Cond": "index", "TID Cond": "index", "Order By": "index",
    "Recheck Cond": "recheck",
    "Filter": "filter", "One-Time Filter": "filter", "Run Condition": "filter", "Conflict Filter": "filter",
    "Hash Cond": "join", "Merge Cond": "join", "Join Filter": "join",
    "Sort Key": "sort", "Presorted Key": "sort", "Group Key": "group", "Hash Key": "group", "Cache Key": "group",
}  # fmt: skip
REMOVED = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
    "Rows Removed by Conflict Filter",
)
_FILTERS = ("Filter", "Join Filter", "Recheck Cond")
_FACTS = (
    "Join Type", "Strategy", "Partial Mode", "Operation", "Command", "Scan Direction", "Inner Unique", "Parallel Aware",
    "Parent Relationship", "Subplan Name", "CTE Name", "Function Name", "Sort Method", "Sort Space Used", "Sort Space Type",
    "Hash Buckets", "Original Hash Batches", "Hash Batches", "Peak Memory Usage", "HashAgg Batches", "Planned Partitions",
    "Disk Usage", "Workers Planned", "Workers Launched", "Heap Fetches", "Exact Heap Blocks", "Lossy Heap Blocks",
    "Index Searches", "Cache Hits", "Cache Misses", "Cache Evictions", "Disabled", "Rows Removed by Index Recheck",
    "Conflict Resolution", "Tuples Inserted", "Conflicting Tuples", "Shared Hit Blocks", "Shared Read Blocks",
    "Subplans Removed",
)  # fmt: skip
_SILENT = {("Scan Direction", "Forward"), ("Scan Direction", "NoMovement"), ("Parent Relationship", "Outer"), ("Parent Relationship", "Inner"),
           ("Partial Mode", "Simple"), ("Join Type", "Inner"), ("Strategy", "Plain"), ("Strategy", "Sorted")}  # fmt: skip
_KILOBYTES = frozenset({"Sort Space Used", "Peak Memory Usage", "Disk Usage"})
Raw = Mapping[str, Any]


def read_json(text: str) -> Plan:
    """Raises PerfkitError where it is not such a plan."""
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        raise PerfkitError("the plan is not JSON that can be read.", "EXPLAIN (FORMAT JSON) …") from None
    found = loaded[0] if isinstance(loaded, list) and loaded else loaded
    if not isinstance(found, dict) or not isinstance(found.get("Plan"), dict):
        raise PerfkitError("the JSON has no plan of PostgreSQL in it.", "EXPLAIN (FORMAT JSON) …")
    return plan_of(found, text)


def plan_of(found: Raw, raw: str) -> Plan:
    """From the object that has `Plan` in it, and beside it the times and settings."""
    root = hung_where_used(_node(found["Plan"], 1.0, 0))
    settings = found.get("Settings")
    remarks: tuple[str, ...] = ()
    own = {k: v for k, v in settings.items() if k != "plan_cache_mode"} if isinstance(settings, dict) else {}
    if own:
        shown = ", ".join(f"{name} = {value}" for name, value in list(own.items())[:10])
        remarks = (f"planned with settings of its own: {shown}",)
    execution = number(found.get("Execution Time"))
    planning = number(found.get("Planning Time"))
    return Plan(
        system="postgresql",
        version="",
        fingerprint="",
        text=str(found.get("Query Text") or ""),
        root=root,
        raw=raw,
        analyzed="Actual Rows" in found["Plan"] or "Actual Loops" in found["Plan"],
        source="file",
        planning_seconds=None if planning is None else planning / 1000,
        execution_seconds=None if execution is None else execution / 1000,
        remarks=remarks,
    )


def _node(raw: Raw, processes: float, depth: int) -> PlanNode:
    if depth > MOST_DEPTH:
        raise PerfkitError(f"the plan is more than {MOST_DEPTH} nodes deep.", "explain a simpler statement")
    loops = number(raw.get("Actual Loops"))
    ran = loops is not None and loops > 0
    total = number(raw.get("Actual Total Time"))
    below = [child for child in raw.get("Plans") or () if isinstance(child, dict)] if _listed(raw, "Plans") else []
    inside = _processes(raw, below, loops) if raw.get("Node Type") in ("Gather", "Gather Merge") else processes
    removed = [value for name in REMOVED if (value := number(raw.get(name))) is not None]
    return PlanNode(
        kind=_text(raw.get("Node Type")) or "Unknown",
        relation=_text(raw.get("Relation Name")) or _text(raw.get("CTE Name")),
        schema=_text(raw.get("Schema")),
        alias=_text(raw.get("Alias")),
        index=_text(raw.get("Index Name")),
        conditions=tuple(_conditions(raw)),
        estimated_rows=number(raw.get("Plan Rows")),
        rows=number(raw.get("Actual Rows")) if ran else None,
        loops=1.0 if loops is None else loops,
        startup_cost=number(raw.get("Startup Cost")),
        cost=number(raw.get("Total Cost")),
        seconds=total * (loops or 0) / 1000 / processes if ran and total is not None else None,
        removed=_removed(raw, removed) if ran else None,
        examined=_examined(raw, removed) if ran else None,
        spilled=_spilled(raw, below),
        width=_whole(raw.get("Plan Width")),
        facts=tuple(_facts(raw)),
        children=tuple(_node(child, inside, depth + 1) for child in below),
    )


def _removed(raw: Raw, removed: list[float]) -> float | None:
    """The text form leaves zeros out: where a filter is and nothing is said, it threw nothing away."""
    return sum(removed) if sum(removed) or any(name in raw for name in _FILTERS) else None


def _processes(raw: Raw, below: list[Any], loops: float | None) -> float:
    """How many ran the nodes below a Gather, the leader among them where it took part."""
    first = number(below[0].get("Actual Loops")) if below else None
    return max(1.0, first / loops) if first and loops else 1.0


def _conditions(raw: Raw) -> Iterator[tuple[str, str]]:
    for name, purpose in CONDITIONS.items():
        value = raw.get(name)
        if isinstance(value, list):
            value = ", ".join(str(item) for item in value)
        if isinstance(value, str) and value:
            yield purpose, value


def _facts(raw: Raw) -> Iterator[str]:
    for name in _FACTS:
        value = raw.get(name)
        if value is None or value is False or value == 0 or isinstance(value, (list, dict)) or (name, value) in _SILENT:
            continue
        yield name if value is True else f"{name}: {_with_unit(name, value)}"
    workers = raw.get("Workers")
    if isinstance(workers, list):
        yield f"Workers: {len(workers)}"


def _with_unit(name: str, value: object) -> str:
    """Blocks are of 8 kB, memory and disk are counted in kB; what has no unit is a number of things."""
    found = number(value)
    if found is None or isinstance(value, bool) or name.endswith(" Name"):
        return str(value)
    shown = f"{round(found):,}" if found == round(found) else f"{found:,}"
    if name in _KILOBYTES:
        return f"{shown} kB"
    return f"{shown} blocks of 8 kB" if name.startswith("Shared ") else shown


def _examined(raw: Raw, removed: list[float]) -> float | None:
    """Rows that a scan looked at in one loop: what it gave and what its filters threw away."""
    rows = number(raw.get("Actual Rows"))
    return rows + sum(removed) if rows is not None and "Scan" in str(raw.get("Node Type")) else None


def _spilled(raw: Raw, below: list[Any]) -> int | None:
    """A sort says it itself, with what its workers wrote; other nodes by the temporary blocks written that no node below wrote."""
    parts = (
        [raw, *(worker for worker in raw.get("Workers") or () if isinstance(worker, dict))]
        if _listed(raw, "Workers")
        else [raw]
    )
    disk = sum(number(part.get("Sort Space Used")) or 0 for part in parts if part.get("Sort Space Type") == "Disk")
    disk += sum(number(part.get("Disk Usage")) or 0 for part in parts)
    if disk:
        return int(disk * 1024)
    written = number(raw.get("Temp Written Blocks"))
    if written is None:
        return None
    own = written - sum(number(child.get("Temp Written Blocks")) or 0 for child in below)
    return int(own * _BLOCK) if own > 0 else None


def _listed(raw: Raw, name: str) -> bool:
    return isinstance(raw.get(name), list)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)
