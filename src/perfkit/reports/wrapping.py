"""Reports room: words come in, lines of at most so many terminal cells go out. Long words fold, nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, chop_cells


def wrap(text: str, width: int) -> list[str]:
    """The text broken at spaces."""
    return flow(text.split(), width, " ")


def flow(items: Iterable[str], width: int, separator: str) -> list[str]:
    """Items side by side, broken between items; an item wider than a line is broken at its spaces, then anywhere."""
    lines: list[str] = []
    for item in items:
        if lines and cell_len(lines[-1]) + len(separator) + cell_len(item) <= width:
            lines[-1] += separator + item
        elif cell_len(item) <= width:
            lines.append(item)
        elif " " in item:
            lines.extend(wrap(item, width))
        else:
            lines.extend(chop_cells(item, width))
    return lines


def pad(text: str, width: int) -> str:
    """The text filled with spaces to `width` cells."""
    return text + " " * (width - cell_len(text))
