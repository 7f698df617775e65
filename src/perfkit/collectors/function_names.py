"""The function that a line belongs to, where nothing but the line is known: a file and a line come in, a qualified name goes out."""

from __future__ import annotations

import ast
from pathlib import Path

_LONGEST = 4 << 20  # bytes of a file
Span = tuple[int, int, str]


class FunctionNames:
    """Files are read once. A lambda or comprehension counts as the function that it stands in."""

    def __init__(self) -> None:
        self._spans: dict[str, list[Span]] = {}

    def of(self, file: str, line: int) -> str:
        """Empty where the source does not tell."""
        if file not in self._spans:
            self._spans[file] = _spans(Path(file))
        holding = [span for span in self._spans[file] if span[0] <= line <= span[1]]
        return max(holding, key=lambda span: span[0])[2] if holding else ""


def _spans(path: Path) -> list[Span]:
    """First and last line and name, of the module and of each function in it; empty where it cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST:
            return []
        text = path.read_bytes()
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    found: list[Span] = [(1, text.count(b"\n") + 1, "<module>")]
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, around = waiting.pop()
        for child in ast.iter_child_nodes(node):
            name = around
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
                found.append((first, child.end_lineno or first, around + child.name))
                name = f"{around}{child.name}.<locals>."
            elif isinstance(child, ast.ClassDef):
                name = f"{around}{child.name}."
            waiting.append((child, name))
    return found
