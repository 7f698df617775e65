"""A project's own layer above its driver: lines that execute a statement which their function was handed."""

from __future__ import annotations

import ast
from collections.abc import Set as AbstractSet

from perfkit.model.recording import SourceText
from perfkit.shared.pysource import names, spot

_WRAPPERS = frozenset({"text", "SQL"})
_KEYWORDS = frozenset({"sql", "query", "statement", "stmt", "operation"})


def passes_on(source: SourceText, line: int, to: AbstractSet[str]) -> bool:
    """Whether a line calls one of `to` (names of functions or methods) with a statement that came in as a parameter."""
    here = spot(source, line)
    if here is None or here.function is None:
        return False
    handed = _handed(here.function)
    for node in here.expressions():
        if isinstance(node, ast.Call) and _name(node.func) in to:
            given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg in _KEYWORDS)]
            if any(_is_handed(argument, handed) for argument in given):
                return True
    return False


def _handed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Parameters, and names made of them by a plain assignment (`sql = sql + " LIMIT 1"`)."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg]
    handed = {argument.arg for argument in every if argument is not None} - {"self", "cls"}
    for node in ast.walk(function):
        made = isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.BinOp | ast.JoinedStr)
        if isinstance(node, ast.Assign) and made and names(node.value) & handed:
            handed |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return handed


def _is_handed(argument: ast.expr, handed: set[str]) -> bool:
    if isinstance(argument, ast.Starred):
        argument = argument.value
    if isinstance(argument, ast.Call) and _name(argument.func) in _WRAPPERS and argument.args:
        argument = argument.args[0]
    return isinstance(argument, ast.Name) and argument.id in handed


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
