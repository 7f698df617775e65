"""Explain room: PostgreSQL's plan as text, from psql or from auto_explain in a log, comes in; a Plan goes out.

The lines become the object that EXPLAIN (FORMAT JSON) would have given, and are read as that.
"""

from __future__ import annotations

import re
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.explain.plantree import MOST_DEPTH
from perfkit.explain.postgres_json import CONDITIONS, plan_of
from perfkit.model.plan import Plan

_COSTS = re.compile(r"\(cost=(?P<startup>[\d.]+)\.\.(?P<total>[\d.]+) rows=(?P<rows>\d+) width=(?P<width>\d+)\)")
_ACTUAL = re.compile(
    r"\((?:never executed|actual (?:time=(?P<first>[\d.]+)\.\.(?P<last>[\d.]+) ?)?rows=(?P<rows>[\d.]+) loops=(?P<loops>\d+))\)"
)
_ARROW = re.compile(r"(?P<indent>\s*)->\s+(?P<head>\S.*)")
_LABEL = re.compile(r"(?P<indent>\s*)(?P<label>(?:InitPlan|SubPlan) .{1,200}|CTE \S.{0,200})")
_FOOTER = re.compile(r"\s*(?P<key>Planning Time|Execution Time|Total runtime): (?P<ms>[\d.]+) ms\s*")
_SETTINGS = re.compile(r"\s*Settings: (?P<pairs>.+)")
_PROPERTY = re.compile(r"\s*(?P<key>[A-Z][\w/ -]{1,60}?):\s+(?P<value>.*)", re.DOTALL)
_NAME = r'(?:"(?:[^"]|"")+"|[^\s".]+)'
_ON = re.compile(
    rf"(?P<kind>.+?)(?: (?P<back>Backward))?(?: using (?P<index>{_NAME}))? on (?:(?P<schema>{_NAME})\.)?(?P<on>{_NAME})(?: (?P<alias>{_NAME}))?"
)
_JOIN = re.compile(
    r"(?P<kind>Hash|Merge|Nested Loop)(?: (?P<type>Left|Right|Full|Semi|Anti|Right Semi|Right Anti))? ?(?:Join)?"
)
_AGGREGATES = {"HashAggregate": "Hashed", "GroupAggregate": "Sorted", "MixedAggregate": "Mixed", "Aggregate": "Plain"}
_WRITES = ("Insert", "Update", "Delete", "Merge")
_LISTS = ("Sort Key", "Presorted Key", "Group Key", "Output")
_KIB = re.compile(r"(\w[\w ]*?): (\d+)kB")
_WORKER = re.compile(r"\s*Worker \d+:\s+(?P<rest>.*)")

Raw = dict[str, Any]


def is_text(text: str) -> bool:
    return bool(_COSTS.search(text) or _ACTUAL.search(text) or _ARROW.search(text))


def read_text(text: str, lines: list[str]) -> Plan:
    """`lines` are those of `text` without a table's borders. Raises PerfkitError where no node of a plan is among them."""
    reader = _Reader()
    for line in lines:
        reader.line(line.expandtabs(8))
    if reader.root is None:
        raise PerfkitError("there is no plan of PostgreSQL in the text.", "paste what EXPLAIN printed, whole")
    found: Raw = {"Plan": reader.root, **reader.around}
    if reader.query:
        found["Query Text"] = "\n".join(reader.query).strip()
    return plan_of(found, text)


class _Reader:
    """Nodes so far. `open` are (column, node) from the root to the last one; `label` is what the next node is called."""

    def __init__(self) -> None:
        self.root: Raw | None = None
        self.around: Raw = {}
        self.query: list[str] = []
        self.open: list[tuple[int, Raw]] = []
        self.label: str | None = None
        self.continued: str | None = None

    def line(self, line: str) -> None:
        if self.root is None:
            self._before(line)
        elif (arrow := _ARROW.fullmatch(line)) is not None:
            self._node(len(arrow["indent"]), arrow["head"])
        elif (footer := _FOOTER.fullmatch(line)) is not None:
            key = "Execution Time" if footer["key"] == "Total runtime" else footer["key"]
            self.around[key] = footer["ms"]
        elif (settings := _SETTINGS.fullmatch(line)) is not None:
            pairs = re.findall(r"(\w[\w.]*) = '([^']*)'", settings["pairs"])
            self.around["Settings"] = dict(pairs)
        elif (label := _LABEL.fullmatch(line)) is not None and ":" not in line:
            self._close(len(label["indent"]))
            self.label = label["label"].strip()
        elif self.open:
            _say(self.open[-1][1], line)

    def _before(self, line: str) -> None:
        """Until the first node: titles, rulers, the text of the query."""
        if _COSTS.search(line) or _ACTUAL.search(line):
            self._node(len(line) - len(line.lstrip()), line.strip())
        elif (query := re.match(r"\s*Query Text: (.*)", line)) is not None:
            self.query = [query[1]]
        elif self.query:
            self.query.append(line)

    def _close(self, column: int) -> None:
        while len(self.open) > 1 and self.open[-1][0] >= column:
            self.open.pop()

    def _node(self, column: int, head: str) -> None:
        node = _head(head)
        if self.label is not None:
            node["Parent Relationship"] = self.label.partition(" ")[0].replace("CTE", "InitPlan")
            node["Subplan Name"] = self.label
            self.label = None
        if self.root is None:
            self.root = node
        else:
            self._close(column)
            if len(self.open) > MOST_DEPTH:
                raise PerfkitError(f"the plan is more than {MOST_DEPTH} nodes deep.", "explain a simpler statement")
            self.open[-1][1].setdefault("Plans", []).append(node)
        self.open.append((column, node))


def _head(text: str) -> Raw:
    """`Index Scan using t_a on public.t  (cost=…) (actual …)`."""
    node: Raw = {}
    costs, actual = _COSTS.search(text), _ACTUAL.search(text)
    if costs:
        node |= {"Startup Cost": costs["startup"], "Total Cost": costs["total"]}
        node |= {"Plan Rows": costs["rows"], "Plan Width": costs["width"]}
    if actual:
        node |= {"Actual Rows": actual["rows"] or "0", "Actual Loops": actual["loops"] or "0"}
        if actual["last"]:
            node |= {"Actual Startup Time": actual["first"], "Actual Total Time": actual["last"]}
    ends = [found.start() for found in (costs, actual) if found]
    name = text[: min(ends)].strip() if ends else text.strip()
    return node | _named(name)


def _named(name: str) -> Raw:
    node: Raw = {}
    if name.startswith("Async "):
        name = name.removeprefix("Async ")
    if name.startswith("Parallel "):
        name, node["Parallel Aware"] = name.removeprefix("Parallel "), True
    for mode, said in (("Partial", "Partial "), ("Finalize", "Finalize ")):
        if name.startswith(said):
            name, node["Partial Mode"] = name.removeprefix(said), mode
    if name in _AGGREGATES:
        return node | {"Node Type": "Aggregate", "Strategy": _AGGREGATES[name]}
    if (join := _JOIN.fullmatch(name)) is not None and name not in ("Hash", "Merge"):
        kind = join["kind"] if join["kind"] == "Nested Loop" else f"{join['kind']} Join"
        return node | {"Node Type": kind, "Join Type": join["type"] or "Inner"}
    on = _ON.fullmatch(name)
    return node | (_on(on) if on else {"Node Type": name[:200]})


def _on(on: re.Match[str]) -> Raw:
    kind, target = on["kind"], _unquoted(on["on"])
    node: Raw = {"Node Type": kind}
    if on["back"]:
        node["Scan Direction"] = "Backward"
    if kind == "Bitmap Index Scan":
        return node | {"Index Name": target}
    if kind in _WRITES:
        node |= {"Node Type": "ModifyTable", "Operation": kind}
    if on["index"]:
        node["Index Name"] = _unquoted(on["index"])
    if on["schema"]:
        node["Schema"] = _unquoted(on["schema"])
    node["Alias"] = _unquoted(on["alias"] or on["on"])
    if kind == "Function Scan":
        return node | {"Function Name": target}
    if kind in ("CTE Scan", "WorkTable Scan"):
        return node | {"CTE Name": target}
    if kind in ("Subquery Scan", "Values Scan", "Table Function Scan"):
        return node
    return node | {"Relation Name": target}


def _say(node: Raw, line: str) -> None:
    """A line below a node: `Filter: (a > 1)`, `Sort Method: external merge  Disk: 312kB`, `Buffers: … temp read=1 written=2`."""
    if (worker := _WORKER.fullmatch(line)) is not None:
        worker_node: Raw = {}
        _say(worker_node, worker["rest"])
        node.setdefault("Workers", []).append(worker_node)
        return
    found = _PROPERTY.fullmatch(line)
    if found is None:
        return
    key, value = found["key"].strip(), found["value"].strip()
    if key == "Sort Method":
        kind = re.fullmatch(r"(.+?)  (Disk|Memory): (\d+)kB", value)
        node["Sort Method"] = kind[1] if kind else value
        if kind:
            node |= {"Sort Space Type": kind[2], "Sort Space Used": kind[3]}
    elif key == "Buffers":
        temp = re.search(r"temp(?: read=\d+)? written=(\d+)", value)
        node["Temp Written Blocks"] = temp[1] if temp else "0"
    elif key in ("Batches", "Buckets"):
        _batches(node, line)
    elif key in _LISTS:
        node[key] = [value]
    elif key in CONDITIONS or re.fullmatch(r"[\d.]+", value):
        node[key] = value


def _batches(node: Raw, line: str) -> None:
    hash_batches = re.search(r"Batches: (\d+)", line)
    if hash_batches:
        node["HashAgg Batches" if node.get("Node Type") == "Aggregate" else "Hash Batches"] = hash_batches[1]
    for name, amount in _KIB.findall(line):
        node["Disk Usage" if name.endswith("Disk Usage") else "Peak Memory Usage"] = amount


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
