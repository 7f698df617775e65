"""Explain room: the rows or the tree of SQLite's EXPLAIN QUERY PLAN come in, a Plan goes out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfkit.errors import PerfkitError
from perfkit.explain.plantree import MOST_DEPTH
from perfkit.model.plan import Plan, PlanNode

_ACCESS = re.compile(
    r"(?P<kind>SCAN|SEARCH) (?:TABLE |SUBQUERY (?=[^\W\d]))?(?P<what>\"[^\"]+\"|\S+)(?: AS (?P<alias>\S+))?(?P<rest>.*)"
)
_INDEX = re.compile(
    r"(?P<how>USING (?:AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?INDEX|USING INTEGER PRIMARY KEY|USING PRIMARY KEY"
    r"|VIRTUAL TABLE INDEX)(?: (?P<name>[^\s(]+))?(?: \((?P<cond>[^()]*)\))?"
)
_TREE = re.compile(r"(?P<indent>(?:[|` ]  )*)(?P<mark>[|`]--)(?P<detail>.+)")
_ROW = re.compile(
    r"\s*\|?\s*(?P<id>\d+)\s*[|\t,]\s*(?P<parent>\d+)\s*[|\t,]\s*\d+\s*[|\t,]\s*(?P<detail>[^|]+?)\s*\|?\s*"
)
_FIRST = re.compile(
    r"(?:SCAN|SEARCH|USE TEMP B-TREE|COMPOUND|CO-ROUTINE|MATERIALIZE|MULTI-INDEX|MERGE|LIST SUBQUERY|SCALAR SUBQUERY|CORRELATED|"
    r"REUSE|BLOOM|RIGHT PART|LEFT|UNION|EXECUTE|COMPOSITE|SETUP|RECURSIVE|INDEX \d)\b"
)
_SORTS = {"ORDER BY": "sort", "GROUP BY": "group", "DISTINCT": "group"}
_MOST_ROWS = 5_000
Row = tuple[int, int, str]


def is_sqlite(lines: Sequence[str]) -> bool:
    return bool(_rows_in(lines))


def read_lines(text: str, lines: Sequence[str]) -> Plan:
    """As the command line tool prints it: with |-- and `--, or as rows id|parent|notused|detail."""
    return plan_of_rows(_rows_in(lines), text)


def plan_of_rows(rows: Sequence[Row], raw: str) -> Plan:
    """Rows of (id, parent, detail). Raises PerfkitError where there are none, or too many."""
    if not rows or len(rows) > _MOST_ROWS:
        raise PerfkitError("there is no plan of SQLite in the text.", "EXPLAIN QUERY PLAN …")
    below: dict[int, list[Row]] = {}
    known = {0} | {row[0] for row in rows}
    for row in rows:
        below.setdefault(row[1] if row[1] in known and row[1] != row[0] else 0, []).append(row)
    roots = tuple(_node(row, below, 0) for row in below.get(0, ()))
    if not roots:
        raise PerfkitError("the rows of the plan have no first one.", "EXPLAIN QUERY PLAN …, whole")
    root = roots[0] if len(roots) == 1 else PlanNode("QUERY PLAN", children=roots)
    return Plan("sqlite", "", "", "", root, raw, source="file")


def _rows_in(lines: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    parents: list[int] = []
    for line in lines[: _MOST_ROWS + 1]:
        if (row := _ROW.fullmatch(line)) is not None and _FIRST.match(row["detail"]):
            rows.append((int(row["id"][:9]), int(row["parent"][:9]), row["detail"]))
        elif (tree := _TREE.fullmatch(line.rstrip())) is not None and (rows or _FIRST.match(tree["detail"])):
            depth = len(tree["indent"]) // 3
            del parents[depth:]
            number = len(rows) + 1
            rows.append((number, parents[-1] if parents else 0, tree["detail"]))
            parents.append(number)
    return rows


def _node(row: Row, below: dict[int, list[Row]], depth: int) -> PlanNode:
    if depth > MOST_DEPTH:
        raise PerfkitError(f"the plan is more than {MOST_DEPTH} nodes deep.", "explain a simpler statement")
    number, _, detail = row
    children = tuple(_node(child, below, depth + 1) for child in below.get(number, ())) if number else ()
    access = _ACCESS.fullmatch(detail)
    if access is not None and (access["what"] != "CONSTANT"):
        return _access(access, detail, children)
    for said, purpose in _SORTS.items():
        if detail.startswith("USE TEMP B-TREE") and said in detail:
            return PlanNode("USE TEMP B-TREE", conditions=((purpose, detail.partition(" FOR ")[2]),), children=children)
    return PlanNode(detail[:200], children=children)


def _access(access: re.Match[str], detail: str, children: tuple[PlanNode, ...]) -> PlanNode:
    """`SEARCH book AS b USING COVERING INDEX book_author (author_id=?)`; other names than (subquery-1) are tables or aliases."""
    found = _INDEX.search(access["rest"])
    name = access["what"].strip('"')
    how = found["how"].removeprefix("USING ") if found else ""
    return PlanNode(
        kind=access["kind"],
        relation=None if name.startswith("(") or name.isdigit() else name,
        alias=access["alias"],
        index=(found["name"] or how) if found and "AUTOMATIC" not in how else None,
        conditions=(("index", found["cond"]),) if found and found["cond"] else (),
        facts=tuple(
            filter(None, (how, "LEFT-JOIN" if "LEFT-JOIN" in detail else "", name if name.startswith("(") else ""))
        ),
        children=children,
    )
