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
_MEMBER = re.compile(r'(?P<before>\s*"[\w-]+": ")(?P<value>.*)(?P<after>",?)')
_NAMED = re.compile(r"Subplan Name: (?:CTE (?P<cte>.+)|(?P<init>InitPlan \d+)(?: \(returns (?P<returns>[$\d,]+)\))?)")


def valid_json(text: str) -> str:
    """The text, or, where it is as MariaDB writes it, with quotes and backslashes of a statement's literals as they stood there, the same
    with those escaped. Raises ValueError, RecursionError."""
    try:
        json.loads(text)
        return text
    except ValueError:
        lines = [_MEMBER.fullmatch(line) or line for line in text.split("\n")]
        mended = "\n".join(
            line if isinstance(line, str) else line["before"] + json.dumps(line["value"])[1:-1] + line["after"]
            for line in lines
        )
        json.loads(mended)
        return mended


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
