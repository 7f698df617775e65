"""Finds the function around a line by indentation, which works for sources of any Python version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_DEF = re.compile(r"\s*(?:async\s+)?def\s")
_QUOTED = re.compile(r'''"""|\'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|#.*''')
_LONGEST = 400
# `) -> int:` ends a signature over several lines, as far left as its `def`.
_CLOSING = (")", "]", "}")


def function_around(lines: Sequence[str], line: int) -> tuple[int, int]:
    """First and last line (from 1, both included) of the outermost function that holds `line`.

    Nested functions come with the one around them, because a loop that matters may be out there. At module level: the
    lines around it.
    """
    quoted = _quoted(tuple(lines))
    start = _outermost_def(lines, quoted, line - 1)
    if start is None:
        return max(1, line - 8), min(len(lines), line + 8)
    indent = _indent(lines[start])
    end = start + 1
    for position in range(start + 1, min(len(lines), start + _LONGEST)):
        text = lines[position]
        if not text.strip() or (not quoted[position] and _indent(text) <= indent and text.lstrip().startswith("#")):
            continue  # belongs to the function only where more of it follows
        if not quoted[position] and _indent(text) <= indent and not text.lstrip().startswith((*_CLOSING, '"', "'")):
            break
        end = position + 1
    return start + 1, max(end, line)


@lru_cache(maxsize=8)
def _quoted(lines: tuple[str, ...]) -> list[bool]:
    """For each line whether it begins inside a string of three quotes: there indentation means nothing."""
    flags: list[bool] = []
    closing: str | None = None
    for line in lines:
        flags.append(closing is not None)
        position = 0
        while position <= len(line):
            if closing is not None:
                at = line.find(closing, position)
                if at < 0:
                    break
                closing, position = None, at + 3
            else:
                match = _QUOTED.search(line, position)
                if match is None:
                    break
                closing = match[0] if match[0] in ('"""', "'''") else None
                position = match.end()
    return flags


def _outermost_def(lines: Sequence[str], quoted: Sequence[bool], index: int) -> int | None:
    """Walk outwards over ever smaller indentation; classes are passed, functions are remembered."""
    found = None
    while index and quoted[index]:
        index -= 1
    if _DEF.match(lines[index]):
        found = index
    indent = _indent(lines[index])
    for position in range(index - 1, -1, -1):
        text = lines[position]
        if not text.strip() or text.lstrip().startswith(("#", *_CLOSING)) or quoted[position]:
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
