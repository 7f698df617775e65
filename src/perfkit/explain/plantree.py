"""Explain room: nodes come in, the same nodes in the places where their time is spent go out. What all readers of plans share."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from perfkit.model.plan import PlanNode

MOST_DEPTH = 200
MOST_CHARACTERS = 50_000_000
_MOST_NODES = 2_000
_MOST_MOVES = 50
_ESCAPE = re.compile(r'\\["\\/bfnrtu]?')
_NAMED = re.compile(r"Subplan Name: (?:CTE (?P<cte>.+)|(?P<init>InitPlan \d+)(?: \(returns (?P<returns>[$\d,]+)\))?)")


def loaded(text: str) -> object:
    """JSON, also as MariaDB writes it: with the backslashes and line breaks of a statement's texts as they stood there.
    Raises ValueError, RecursionError."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return json.loads(_ESCAPE.sub(lambda found: found[0] if len(found[0]) == 2 else r"\\", text), strict=False)


def number(value: object) -> float | None:
    """A finite number that is not negative, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


def hung_where_used(root: PlanNode) -> PlanNode:
    """PostgreSQL shows a CTE and an InitPlan at the top of their query, but runs them inside the first node that reads them: there
    they are hung, and their cost counts on the way down to it. Otherwise their seconds would count twice."""
    if sum(1 for _ in root.walk()) > _MOST_NODES:
        return root
    for _ in range(_MOST_MOVES):
        move = next(_moves(root), None)
        if move is None:
            break
        root = _moved(root, *move)
    return root


def _moves(root: PlanNode) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """From where to where."""
    for path, node in root.walk():
        name = next((fact for fact in node.facts if fact.startswith("Subplan Name: ")), "")
        found = _NAMED.match(name)
        if found is None or not path:
            continue
        reads = _reads(found)
        if reads(_at(root, path[:-1])):
            continue
        user = _first_user(root, path, reads)
        if user is not None:
            yield path, user


def _reads(found: re.Match[str]) -> Callable[[PlanNode], bool]:
    if found["cte"]:
        return lambda node: node.kind == "CTE Scan" and node.relation == found["cte"]
    marks = [f"({found['init']})"] + [f"{mark}" for mark in (found["returns"] or "").split(",") if mark]
    pattern = re.compile("|".join(re.escape(mark) + r"(?!\d)" for mark in marks))
    return lambda node: any(pattern.search(text) for _, text in node.conditions)


def _first_user(root: PlanNode, here: tuple[int, ...], reads: Callable[[PlanNode], bool]) -> tuple[int, ...] | None:
    """The first node that reads it, outside of itself, below its parent."""
    owner = here[:-1]
    for path, node in root.walk():
        inside = path[: len(here)] == here
        if not inside and len(path) > len(owner) and path[: len(owner)] == owner and reads(node):
            return path
    return None


def _moved(root: PlanNode, here: tuple[int, ...], to: tuple[int, ...]) -> PlanNode:
    owner, node = here[:-1], _at(root, here)
    added = node.cost or 0.0

    def rebuilt(current: PlanNode, path: tuple[int, ...]) -> PlanNode:
        children = [rebuilt(child, (*path, at)) for at, child in enumerate(current.children)]
        if path == owner:
            del children[here[-1]]
        if path == to:
            children.append(node)
        on_the_way = len(path) > len(owner) and to[: len(path)] == path
        cost = current.cost + added if on_the_way and current.cost is not None else current.cost
        return replace(current, children=tuple(children), cost=cost)

    return rebuilt(root, ())


def _at(root: PlanNode, path: tuple[int, ...]) -> PlanNode:
    for step in path:
        root = root.children[step]
    return root
