"""What the kept source says about a statement: the loop it runs in, the relation it loads, the query that began it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perfkit.findings.interface import View
from perfkit.findings.sql_uses import project_frames
from perfkit.model.analysis import SpanUse
from perfkit.model.recording import Frame
from perfkit.shared.frameworks import short_name
from perfkit.shared.naming import COMPREHENSIONS
from perfkit.shared.pysource import Comprehension, Loop, Spot, spot, targets, tree_of

# What goes through these comes in one by one and has no end: each message is work of its own.
_ENDLESS = re.compile(r"consum|listen|subscri|poll|messages|stream|receive|\bcount\(|notif|\biter\(", re.IGNORECASE)


@dataclass(frozen=True)
class InLoop:
    """A loop over a collection around a use: the project's line inside of it that leads to the statement, and the names that
    stand for elements there (none where only the interpreter's frame of a comprehension tells of the loop)."""

    frame: Frame
    elements: frozenset[str]


def loop_around(view: View, use: SpanUse) -> InLoop | None:
    """The innermost loop that goes through a collection; `while` and endless streams are not such."""
    for frame in project_frames(view, use):
        source = view.lines.function(frame.file, frame.line)
        here = spot(source, frame.line) if source is not None else None
        if here is not None and source is not None:
            for loop in (*_comprehensions(here, frame.line), *here.loops):
                if isinstance(loop, ast.While):
                    return None
                if _ENDLESS.search(_header(loop)):
                    return None
                around = (*_comprehensions(here, frame.line), *here.loops)
                return InLoop(frame, frozenset().union(*map(targets, around)))
        elif short_name(frame.function) in COMPREHENSIONS:
            return InLoop(frame, frozenset())
    return None


def _comprehensions(here: Spot, line: int) -> Iterator[Comprehension]:
    for node in here.expressions():
        if isinstance(node, Comprehension) and node.lineno <= line <= (node.end_lineno or line) and _asks(node):
            yield node


def _asks(comprehension: Comprehension) -> bool:
    """Whether elements may ask for something: what a comprehension goes through is asked for once."""
    first = comprehension.generators[0].iter
    each = [node for child in ast.iter_child_nodes(comprehension) for node in ast.walk(child)]
    once = set(map(id, ast.walk(first)))
    each = [node for node in each if id(node) not in once]
    if any(isinstance(node, ast.Call) or _is_chain(node) for node in each):
        return True
    called = any(isinstance(node, ast.Call) for node in ast.walk(first))
    return not called and any(isinstance(node, ast.Attribute) for node in each)


def _is_chain(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)


def _header(loop: Loop) -> str:
    if isinstance(loop, ast.While):
        return ""
    try:
        return ast.unparse(loop.generators[0].iter if isinstance(loop, Comprehension) else loop.iter)
    except (ValueError, RecursionError):
        return ""


def sleeps_around(view: View, use: SpanUse) -> bool:
    """Whether a function that leads to the statement sleeps in a loop: it looks again and again, which is its work."""
    for frame in project_frames(view, use):
        source = view.lines.function(frame.file, frame.line)
        tree = tree_of(source) if source is not None else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.While | ast.For | ast.AsyncFor) and any(
                isinstance(call, ast.Call) and "sleep" in ast.unparse(call.func) for call in ast.walk(node)
            ):
                return True
    return False


def relations(view: View, frames: Sequence[Frame], found: InLoop | None, tables: Sequence[str]) -> list[str]:
    """The attributes of the loop's elements that load these tables, as the lines of `frames` name them: `customer` for a
    table `shop_customer`. Tables that no attribute resembles are left out."""
    attributes: list[str] = []
    for frame in frames:
        source = view.lines.function(frame.file, frame.line)
        here = spot(source, frame.line) if source is not None else None
        for node in here.expressions() if here is not None else ():
            inside = found if found is not None and frame == found.frame else None
            if isinstance(node, ast.Attribute) and _is_element(node.value, inside) and node.attr not in attributes:
                attributes.append(node.attr)
    pairs = [next((name for name in attributes if _resembles(name, table)), None) for table in tables]
    return list(dict.fromkeys(name for name in pairs if name))


def _is_element(node: ast.expr, found: InLoop | None) -> bool:
    """Whether a name stands for an element of the loop; in a function that the loop calls, any name may."""
    return isinstance(node, ast.Name) and (found is None or not found.elements or node.id in found.elements)


def _resembles(attribute: str, table: str) -> bool:
    word, last = attribute.lower().removesuffix("_set").rstrip("s"), table.lower().rstrip("s")
    return bool(word) and (last.endswith(word) or last.replace("_", "").endswith(word.replace("_", "")))


def query_line(view: View, frame: Frame | None, pattern: re.Pattern[str]) -> str | None:
    """The one line of a frame's function that matches: the frame's own, else the only one there is."""
    if frame is None:
        return None
    text = view.lines.text(frame.file, frame.line)
    if text is not None and pattern.search(text):
        return text
    source = view.lines.function(frame.file, frame.line)
    lines = [line for line in source.text.split("\n") if pattern.search(line)] if source is not None else []
    return lines[0] if len(lines) == 1 else None
