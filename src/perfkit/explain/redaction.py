"""Explain room: a Plan comes in, the same Plan without the literals in its conditions, its text and the database's answer goes out."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from perfkit.explain.scanning import Unclear, pieces
from perfkit.model.plan import Plan, PlanNode

# Their values are names, or numbers of the database's own; all other texts of a plan may have literals in them.
_NAMES = frozenset(
    re.findall(
        r"[^,\s][^,\n]*",
        """Node Type, Parent Relationship, Relation Name, Schema, Alias, Index Name, CTE Name, Function Name, Subplan Name, Join Type,
        Strategy, Partial Mode, Scan Direction, Operation, Command, Sort Method, Sort Space Type, Group Key, table_name, access_type,
        key, possible_keys, used_key_parts, key_length, ref, used_columns, query_cost, read_cost, eval_cost, prefix_cost,
        data_read_per_join, filtered, select_id, r_buffer_size, r_sort_mode, join_type, buffer_type, buffer_size, state,
        index_name, schema_name, operation_type, Custom Plan Provider, Conflict Resolution, Conflict Arbiter Indexes""",
    )
)
_WHOLE_NUMBERS = re.compile(r"[\d.]+ ?(?:[KMGT]i?B?|B|ms)?")
_COUNTED = re.compile(r"(?:\b(?:InitPlan|SubPlan|CTE)\b|\b\w+\.)\s*$", re.ASCII)
_NUMBERS = re.compile(r"(?:\s+\((?:cost=|actual |never executed|rows=)[^()]*\))+\s*$")
_MEASURED = re.compile(
    r"\s*(?:Planning Time|Execution Time|Rows Removed by [\w ]+|Sort Method|Buffers|I/O Timings|Heap (?:Fetches|Blocks)|Buckets|Batches"
    r"|Workers (?:Planned|Launched)|Worker \d+|Memory|Hits|Index Searches|Planned Partitions|Peak Memory Usage|Disk Usage|WAL|JIT"
    r"|Planning|Functions|Timing):.*"
)


def redacted(plan: Plan) -> Plan:
    """Values become ?. Names, numbers of rows and costs stay. What cannot be read with certainty is left out."""
    return replace(plan, text=_without(plan.text, plan.system), raw=_raw(plan), root=_node(plan.root, plan.system))


def _node(node: PlanNode, system: str) -> PlanNode:
    return replace(
        node,
        conditions=tuple((purpose, _without(text, system)) for purpose, text in node.conditions),
        facts=tuple(_without(fact, system) if "'" in fact or '"' in fact else fact for fact in node.facts),
        children=tuple(_node(child, system) for child in node.children),
    )


def _without(text: str, system: str) -> str:
    try:
        found = pieces(text, system)
    except Unclear:
        return "?"
    out: list[str] = []
    for piece in found:
        if piece.kind == "comment":
            out.append(" ")
        elif piece.kind == "string" or (piece.kind == "number" and not _COUNTED.search("".join(out[-4:]))):
            out.append("?")
        else:
            out.append(piece.text)
    return "".join(out)


def _raw(plan: Plan) -> str:
    if plan.raw.lstrip()[:1] in ("{", "["):
        try:
            return json.dumps(_value(json.loads(plan.raw), "", plan.system, 0), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return ""
    if plan.system == "sqlite":
        return plan.raw  # it says ? itself
    return "\n".join(_line(line, plan.system) for line in plan.raw.split("\n"))


def _value(value: object, name: str, system: str, depth: int) -> object:
    if isinstance(value, dict):
        return {key: _value(inner, key, system, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, name, system, depth + 1) for inner in value]
    if not isinstance(value, str) or name in _NAMES or _WHOLE_NUMBERS.fullmatch(value):
        return value if name in _NAMES or not isinstance(value, str) or name.endswith(("cost", "Time", "_ms")) else "?"
    return _without(value, system)


def _line(line: str, system: str) -> str:
    """A node keeps the numbers at its end, and what was measured stays."""
    if _MEASURED.fullmatch(line) and "'" not in line:
        return line
    numbers = _NUMBERS.search(line)
    end = numbers.start() if numbers else len(line)
    return _without(line[:end], system) + line[end:]
