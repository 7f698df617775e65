"""Which functions are worth a closer look: sampled stacks come in, the project's functions that cost most go out.

Time belongs to the deepest frame of the project on a stack: what a library does, it does for that one.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from perfkit.collectors.target_files import content
from perfkit.model.recording import StackTable

MOST = 5
LEAST_SHARE = 0.03
_LONGEST = 4 << 20  # bytes of a file
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class HotFunction:
    """`first_line` is that of its code: of its first decorator, where it has one."""

    file: str
    first_line: int
    seconds: float


def hot_functions(stacks: StackTable, seconds: Mapping[int, float], root: str = "") -> list[HotFunction]:
    """At most MOST, the hottest first; none without its source, and no module's top level. `root` is the target's, where its
    files are not ours."""
    by_function: defaultdict[tuple[str, int], float] = defaultdict(float)
    for stack, spent in seconds.items():
        frames = stacks.expand(stack)
        frame = next((frame for frame in reversed(frames) if frame.origin == "app"), None)
        if frame is not None and (first := first_line(frame.file, frame.line, root)):
            by_function[frame.file, first] += spent
    total = sum(by_function.values())
    ranked = sorted(by_function.items(), key=lambda item: (-item[1], item[0]))
    return [HotFunction(*key, spent) for key, spent in ranked[:MOST] if spent >= LEAST_SHARE * total]


def first_line(file: str, line: int, root: str = "") -> int:
    """Of the innermost function around a line; 0 where none is, or the source does not tell."""
    around = [(first, last) for first, last in _functions(file, root) if first <= line <= last]
    return max(around, default=(0, 0))[0]


@lru_cache(maxsize=256)
def _functions(file: str, root: str) -> tuple[tuple[int, int], ...]:
    """First and last line of every function of a file."""
    text = content(file, root, _LONGEST)
    try:
        tree = ast.parse(text or b"")
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    return tuple(
        (min([node.lineno, *(one.lineno for one in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, _Function)
    )
