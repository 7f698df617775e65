"""Project functions through which statements of others pass (`db.query(sql)`): the line that decided is their caller's."""

from __future__ import annotations

from collections import defaultdict

from perfkit.findings.interface import View
from perfkit.model.recording import Frame
from perfkit.shared.frameworks import short_name
from perfkit.shared.naming import COMPREHENSIONS

Function = tuple[str, str]
# A statement that comes from this many lines on average was chosen by the function, and not by those who call it.
_OWN_CHOICE = 1.5


def carriers(view: View) -> frozenset[Function]:
    """Functions that are called from several lines, each of which makes them run statements of its own."""
    known: frozenset[Function] | None = view.notes.get("carriers of statements")
    if known is None:
        view.notes["carriers of statements"] = known = _found(view)
    return known


def _found(view: View) -> frozenset[Function]:
    chains = [
        (use.text, _project(view, view.analysis.stacks.expand(use.stack)[:-1]))
        for use in view.analysis.uses
        if use.kind == "sql"
    ]
    found: set[Function] = set()
    while True:
        callers: defaultdict[Function, defaultdict[str, set[tuple[str, int]]]] = defaultdict(lambda: defaultdict(set))
        for text, frames in chains:
            left = [frame for frame in frames if (frame.file, frame.function) not in found]
            if len(left) > 1:
                callers[left[0].file, left[0].function][text].add((left[1].file, left[1].line))
        new = {function for function, texts in callers.items() if _passes_on(texts)}
        if not new:
            return frozenset(found)
        found |= new


def _project(view: View, frames: tuple[Frame, ...]) -> list[Frame]:
    """Innermost first."""
    return [f for f in reversed(frames) if view.is_project(f) and short_name(f.function) not in COMPREHENSIONS]


def _passes_on(texts: defaultdict[str, set[tuple[str, int]]]) -> bool:
    lines = set().union(*texts.values())
    return len(lines) > 1 and len(texts) > 1 and sum(map(len, texts.values())) <= _OWN_CHOICE * len(texts)
