"""Finds the function around a line by indentation, which works for sources of any Python version."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DEF = re.compile(r"\s*(?:async\s+)?def\s")
_LONGEST = 400


def function_around(lines: Sequence[str], line: int) -> tuple[int, int]:
    """First and last line (from 1, both included) of the outermost function that holds `line`.

    Nested functions come with the one around them, because a loop that matters may be out there. At module level: the
    lines around it.
    """
    start = _outermost_def(lines, line - 1)
    if start is None:
        return max(1, line - 8), min(len(lines), line + 8)
    indent = _indent(lines[start])
    end = start + 1
    while end < len(lines) and end - start < _LONGEST:
        text = lines[end]
        if text.strip() and _indent(text) <= indent and not text.lstrip().startswith((")", "]", "}", "#", '"', "'")):
            break
        end += 1
    while end > line and not lines[end - 1].strip():
        end -= 1
    return start + 1, max(end, line)


def _outermost_def(lines: Sequence[str], index: int) -> int | None:
    """Walk outwards over ever smaller indentation; classes are passed, functions are remembered."""
    found = None
    if _DEF.match(lines[index]):
        found = index
    indent = _indent(lines[index])
    for position in range(index - 1, -1, -1):
        text = lines[position]
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if indent == 0:
            break
        if _indent(text) < indent:
            indent = _indent(text)
            if _DEF.match(text):
                found = position
    return found


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
