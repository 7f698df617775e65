"""Where a name gets its value: a source file and a dotted name come in, the line that first assigns it goes out."""

from __future__ import annotations

import ast
from pathlib import Path

_LONGEST = 4 << 20  # bytes of a file


class Assignments:
    """Files are read once. `SEEN` is a module's, `Cart.seen` a class's, `Cart.self.seen` that of its objects."""

    def __init__(self) -> None:
        self._trees: dict[str, ast.Module | None] = {}

    def find(self, file: str, name: str) -> tuple[str, int]:
        """The file and the line, 0 where the source does not tell."""
        tree = self._tree(file)
        line = 0 if tree is None or not name else _line_of(tree, name.split("."))
        return file, line

    def _tree(self, file: str) -> ast.Module | None:
        if file not in self._trees:
            self._trees[file] = _parsed(Path(file))
        return self._trees[file]


def _parsed(path: Path) -> ast.Module | None:
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST:
            return None
        return ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _line_of(tree: ast.Module, names: list[str]) -> int:
    body: list[ast.stmt] = tree.body
    while len(names) > 1 and names[0] != "self":
        owner = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == names[0]), None)
        if owner is None:
            return 0
        body, names = owner.body, names[1:]
    own = len(names) > 1
    for statement in body:
        for node in ast.walk(statement):
            if any(_is(target, names[-1], own) for target in _targets(node)):
                return int(getattr(node, "lineno", 0))
    return 0


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) else []


def _is(target: ast.expr, name: str, own: bool) -> bool:
    if own:
        return isinstance(target, ast.Attribute) and target.attr == name
    return isinstance(target, ast.Name) and target.id == name
