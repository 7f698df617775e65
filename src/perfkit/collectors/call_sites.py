"""Where functions are called from, as their source has it: files come in, the lines that name each function go out."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LONGEST = 4 << 20  # bytes of a file
Line = tuple[str, int]


@dataclass
class CallSites:
    """`names` has the lines (file, line) on which a name is used, to call it or to hand it on. `first_lines` tells which name a
    function at (file, first line) has: of an `__init__` its class's."""

    names: defaultdict[str, set[Line]] = field(default_factory=lambda: defaultdict(set))
    first_lines: dict[Line, str] = field(default_factory=dict)

    def of(self, file: str, first_line: int) -> frozenset[Line]:
        name = self.first_lines.get((file, first_line))
        return frozenset(self.names[name]) if name is not None else frozenset()


def call_sites(files: Iterable[str]) -> CallSites:
    """Files that cannot be read or parsed are left out."""
    found = CallSites()
    for file in files:
        tree = _parsed(file)
        if tree is not None:
            _read(file, tree, found)
    return found


def _parsed(file: str) -> ast.Module | None:
    path = Path(file)
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST:
            return None
        return ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _read(file: str, tree: ast.Module, found: CallSites) -> None:
    for node, holder in _with_holders(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.names[node.id].add((file, node.lineno))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            # A call over several lines counts where it begins, or where its name stands.
            found.names[node.attr] |= {(file, node.lineno), (file, node.end_lineno or node.lineno)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            name = holder if node.name == "__init__" and holder else node.name
            found.first_lines[file, first] = name


def _with_holders(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every node, with the name of the class whose body it stands in directly."""
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, holder = waiting.pop()
        yield node, holder
        inner = node.name if isinstance(node, ast.ClassDef) else ""
        waiting.extend((child, inner) for child in ast.iter_child_nodes(node))
