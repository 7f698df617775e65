"""Small rewrites of the kept source, as the lines of a diff: only where every use of a name is seen and understood."""

from __future__ import annotations

import ast

from perfkit.model.recording import SourceText
from perfkit.shared.pysource import tree_of


def list_as_set(source: SourceText, name: str) -> str | None:
    """The diff that turns a local list, made empty and only appended to and searched, into a set; None if it is more."""
    tree = tree_of(source)
    if tree is None or not name.isidentifier():
        return None
    changes: dict[int, tuple[str, str]] = {}
    understood = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_empty_list(node, name):
            changes[node.lineno] = ("[]", "set()")
            understood += 1
        elif isinstance(node, ast.Call) and _is_method(node.func, name, "append"):
            changes[node.lineno] = (f"{name}.append(", f"{name}.add(")
            understood += 1
        elif isinstance(node, ast.Compare) and any(_is_name(right, name) for right in node.comparators):
            understood += all(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            understood += any(_is_name(argument, name) for argument in node.args)
    uses = sum(_is_name(node, name) for node in ast.walk(tree))
    starts = sum(old == "[]" for old, _ in changes.values())
    if understood != uses or starts != 1 or len(changes) < 2:
        return None
    lines = source.text.split("\n")
    pairs = [(lines[number - source.first_line], change) for number, change in sorted(changes.items())]
    return "\n".join(f"-{line}\n+{line.replace(*change)}" for line, change in pairs)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_empty_list(node: ast.Assign, name: str) -> bool:
    empty = isinstance(node.value, ast.List) and not node.value.elts
    return empty and len(node.targets) == 1 and _is_name(node.targets[0], name)


def _is_method(node: ast.expr, name: str, method: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == method and _is_name(node.value, name)
