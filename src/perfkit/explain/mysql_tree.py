"""Explain room: MySQL's plans by iterators (EXPLAIN FORMAT=TREE, EXPLAIN ANALYZE, and version 2 of its JSON) come in, a Plan goes out.

Their times are milliseconds of one loop on average, their rows those of one loop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.explain.plantree import MOST_DEPTH, number
from perfkit.model.plan import Plan, PlanNode

_NUMBER = r"[\d.]+(?:e[+-]?\d+)?"
_LINE = re.compile(r"(?P<indent> *)-> (?P<what>.+)")
_COSTS = re.compile(rf"\((?:cost=(?:{_NUMBER}\.\.)?(?P<cost>{_NUMBER}) )?rows=(?P<rows>{_NUMBER})\)")
_ACTUAL = re.compile(
    rf"\((?:never executed|actual time=(?P<first>{_NUMBER})\.\.(?P<last>{_NUMBER}) rows=(?P<rows>{_NUMBER}) loops=(?P<loops>\d+))\)"
)
_ACCESS = re.compile(
    r"(?P<kind>(?:Table scan|(?:Covering |Single-row |Single-row covering |Full-text |Multi-range |Reverse )*(?:[Ii]ndex (?:scan|lookup|range scan|skip scan)"
    r"|covering index lookup)|Constant row|Intersect rows|Deduplicate rows))"
    r" on (?P<table><?[\w$.]+>?|`[^`]+`)(?: using (?P<index>`[^`]+`|[\w$]+))?(?P<reverse> \(reverse\))?(?P<rest>.*)"
)
_WORD_AND_TEXT = re.compile(r"(?P<kind>[A-Z][\w /-]{0,80}?): (?P<text>.+)", re.DOTALL)
_CONDITION = {"Filter": "filter", "Sort": "sort", "Group aggregate": "group", "Limit": "", "Aggregate": ""}


def is_tree(text: str) -> bool:
    return re.match(r"\s*-> ", text) is not None


def read_tree(text: str) -> Plan:
    """Raises PerfkitError where no line of it is a node."""
    roots: list[_Line] = []
    open_lines: list[_Line] = []
    for line in text.replace("\\n", "\n").split("\n"):
        found = _LINE.fullmatch(line.rstrip())
        if found is None:
            if open_lines and line.strip():
                open_lines[-1].text += " " + line.strip()  # a condition that is longer than a line
            continue
        at = _Line(len(found["indent"]), found["what"])
        while open_lines and open_lines[-1].column >= at.column:
            open_lines.pop()
        (open_lines[-1].children if open_lines else roots).append(at)
        open_lines.append(at)
        if len(open_lines) > MOST_DEPTH:
            raise PerfkitError(f"the plan is more than {MOST_DEPTH} nodes deep.", "explain a simpler statement")
    if not roots:
        raise PerfkitError("there is no plan of MySQL in the text.", "paste what EXPLAIN ANALYZE printed, whole")
    nodes = tuple(_node(line) for line in roots)
    root = nodes[0] if len(nodes) == 1 else PlanNode("query block", children=nodes)
    analyzed = "(actual time=" in text
    return Plan("mysql", "", "", "", root, text, analyzed=analyzed, source="file", execution_seconds=root.seconds)


class _Line:
    def __init__(self, column: int, text: str) -> None:
        self.column, self.text = column, text
        self.children: list[_Line] = []


def _node(line: _Line) -> PlanNode:
    costs, actual = _last(_COSTS, line.text), _last(_ACTUAL, line.text)
    ends = [found.start() for found in (costs, actual) if found]
    return _named(line.text[: min(ends)].strip() if ends else line.text.strip()).with_numbers(
        estimated=number(costs["rows"]) if costs else None,
        cost=number(costs["cost"]) if costs else None,
        rows=number(actual["rows"]) if actual else None,
        loops=(number(actual["loops"]) or 0.0) if actual else None,
        last=number(actual["last"]) if actual else None,
        children=tuple(_node(child) for child in line.children),
    )


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=lambda found: found.start(), default=None)


class _Named:
    """What a node's words say. A filter's text may have anything in it, so numbers come from the end of the line."""

    def __init__(self, kind: str, conditions: tuple[tuple[str, str], ...] = (), **where: str | None) -> None:
        self.kind, self.conditions, self.where = kind, conditions, where

    def with_numbers(
        self,
        estimated: float | None,
        cost: float | None,
        rows: float | None,
        loops: float | None,
        last: float | None,
        children: tuple[PlanNode, ...],
    ) -> PlanNode:
        ran = rows is not None and bool(loops)
        scan = self.where.get("relation") is not None
        below = children[0].rows if children else None
        filtering = self.kind == "Filter" and ran and rows is not None and below is not None
        return PlanNode(
            kind=self.kind,
            relation=self.where.get("relation"),
            index=self.where.get("index"),
            conditions=self.conditions,
            estimated_rows=estimated,
            rows=rows if ran else None,
            loops=1.0 if loops is None else loops,
            cost=cost,
            seconds=last * (loops or 0.0) / 1000 if ran and last is not None else None,
            removed=max(0.0, (below or 0.0) - (rows or 0.0)) if filtering else None,
            examined=rows if scan and ran else None,
            children=children,
        )


def _named(text: str) -> _Named:
    access = _ACCESS.fullmatch(text)
    if access is not None:
        rest = access["rest"].strip()
        inner = re.match(r"\((?P<how>.+?)\)(?:, with index condition: (?P<pushed>.+))?$", rest)
        over = re.match(r"over (?P<how>.+?)(?:, with index condition: (?P<pushed>.+))?$", rest)
        said = inner or over
        conditions = [("index", said[name]) for name in ("how", "pushed") if said and said[name]]
        index = access["index"]
        return _Named(
            access["kind"],
            tuple(conditions),
            relation=access["table"].strip("`"),
            index=index.strip("`") if index else None,
        )
    worded = _WORD_AND_TEXT.fullmatch(text)
    if worded is not None:
        purpose = _CONDITION.get(worded["kind"], "join" if "join" in worded["kind"].lower() else "")
        return _Named(worded["kind"], ((purpose or "filter", worded["text"]),) if purpose else ())
    join = re.fullmatch(r"(?P<kind>[\w -]*join)\s+(?P<on>\(.+\))", text)
    return _Named(join["kind"], (("join", join["on"]),)) if join else _Named(text[:200])


def plan_of_tree_json(loaded: Mapping[str, Any], raw: str) -> Plan:
    """Version 2 of MySQL's JSON: the same iterators as objects with `operation` and `inputs`."""
    root = _json_node(loaded["query_plan"], 0)
    return Plan(
        "mysql",
        "",
        "",
        str(loaded.get("query") or ""),
        root,
        raw,
        analyzed=root.rows is not None,
        source="file",
        execution_seconds=root.seconds,
    )


def _json_node(raw: Mapping[str, Any], depth: int) -> PlanNode:
    if depth > MOST_DEPTH:
        raise PerfkitError(f"the plan is more than {MOST_DEPTH} nodes deep.", "explain a simpler statement")
    inputs = raw.get("inputs")
    below = [child for child in inputs if isinstance(child, dict)] if isinstance(inputs, list) else []
    named = _named(str(raw.get("operation") or raw.get("access_type") or "Unknown"))
    for name, given in (("relation", "table_name"), ("index", "index_name")):
        if isinstance(raw.get(given), str):
            named.where[name] = raw[given]
    return named.with_numbers(
        estimated=number(raw.get("estimated_rows")),
        cost=number(raw.get("estimated_total_cost")),
        rows=number(raw.get("actual_rows")),
        loops=number(raw.get("actual_loops")),
        last=number(raw.get("actual_last_row_ms")),
        children=tuple(_json_node(child, depth + 1) for child in below),
    )
