"""Hits and seconds of lines, as both ways of counting (`zoom_monitoring`, `zoom_hooks`) keep them.

Each thread has cells of its own for each function, so that no two threads ever add to the same number.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable

    Key = tuple[str, int]

CALLS = 0


class Cell:
    """Of one line in one thread. That of line `CALLS` counts the calls."""

    __slots__ = ("hits", "seconds")

    def __init__(self) -> None:
        self.hits = 0
        self.seconds = 0.0


class Function:
    """One of the chosen functions. `file` and `line` are those of the choice."""

    __slots__ = ("file", "line", "name", "threads")

    def __init__(self, file: str, line: int, name: str) -> None:
        self.file = file
        self.line = line
        self.name = name
        self.threads: dict[int, dict[int, Cell]] = {}

    def cells(self) -> dict[int, Cell]:
        """This thread's, by line."""
        mine = self.threads.get(get_ident())
        if mine is None:
            mine = self.threads.setdefault(get_ident(), {CALLS: Cell()})
            for step in when_first:
                step()
        return mine


# What a frame adds to while it runs none of its lines: nobody looks at it.
NOWHERE = Cell()


class Activation:
    """One call under way. `cell` is that of its line; while the frame is suspended, `paused` is."""

    __slots__ = ("cell", "cells", "paused", "since")

    def __init__(self, cells: dict[int, Cell]) -> None:
        self.cells = cells
        self.cell = NOWHERE
        self.paused = NOWHERE
        self.since = 0.0


found: dict[tuple[str, int, str], Function] = {}
gaps: list[tuple[str, str, str]] = []
# Called when a thread comes into one of the functions for the first time.
when_first: list[Callable[[], None]] = []


def gap(what: str, why: str, remedy: str) -> None:
    if len(gaps) < 50 and (what, why, remedy) not in gaps:
        gaps.append((what, why, remedy))


def traced() -> tuple[str, str] | None:
    """(why, remedy) when a trace or profile function is set where we are, or for each new thread."""
    # Not imported: it takes the thread that does so first for the main one.
    threading = sys.modules.get("threading")
    set_for_threads = (getattr(threading, "_trace_hook", None), getattr(threading, "_profile_hook", None))
    if sys.gettrace() is None and sys.getprofile() is None and set_for_threads == (None, None):
        return None
    return "a debugger, coverage or a profiler traces the target", "measure when it does not run"


def function(key: Key, name: str) -> Function:
    known = found.get((*key, name))
    return known if known is not None else found.setdefault((*key, name), Function(*key, name))


def clear() -> None:
    found.clear()
    del gaps[:]


def begin_again() -> None:
    """In a forked process: what the parent counted is its own."""
    for one in found.values():
        one.threads.clear()


def told(under_way: list[Activation]) -> list[dict[str, Any]]:
    """The functions as the lines file has them, with the time of what is still going on."""
    now = monotonic()
    going: dict[int, float] = {}
    for at in under_way:
        cell, since = at.cell, at.since
        going[id(cell)] = going.get(id(cell), 0.0) + max(0.0, now - since)
    return [_told(one, going) for one in list(found.copy().values())]


def _told(one: Function, going: dict[int, float]) -> dict[str, Any]:
    lines: dict[int, list[Any]] = {}
    for cells in list(one.threads.copy().values()):
        for line, cell in list(cells.copy().items()):
            total = lines.setdefault(line, [0, 0.0])
            total[0] += cell.hits
            total[1] += cell.seconds + going.get(id(cell), 0.0)
    calls = lines.pop(CALLS, [0])[0]
    counted = [[line, hits, seconds] for line, (hits, seconds) in sorted(lines.items())]
    return {"file": one.file, "line": one.line, "function": one.name, "calls": calls, "lines": counted}


class Wanted:
    """The choice: (file, first line) as a sampler shows them, which may be a file's path as code has it or the whole one."""

    def __init__(self, functions: list[Key]) -> None:
        self.keys = list(functions)
        self._files: dict[str, dict[int, Key]] = {}
        for file, line in functions:
            self._files.setdefault(file, {})[line] = (file, line)
        self._known: dict[str, dict[int, Key]] = {}

    def lines(self, file: str) -> dict[int, Key]:
        """Of a file as code names it."""
        known = self._known.get(file)
        if known is None:
            known = self._files.get(file) or {}
            if not known and not file.startswith("<"):
                known = self._files.get(os.path.abspath(file)) or {}
            self._known[file] = known
        return known

    def key(self, code: CodeType) -> Key | None:
        lines = self.lines(code.co_filename)
        return lines.get(code.co_firstlineno) if lines else None
