"""Functions of the kept source as syntax trees: which loops are around a line, which statement stands on it.

The tree is of perfkit's own Python; a source that uses newer syntax is simply not understood.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from perfkit.model.recording import SourceText

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Loop = ast.For | ast.AsyncFor | ast.While | Comprehension


@dataclass(frozen=True)
class Spot:
    """A statement (for compound statements: its header), and the loops around it, innermost first."""

    statement: ast.stmt
    function: ast.FunctionDef | ast.AsyncFunctionDef | None
    loops: tuple[ast.For | ast.AsyncFor | ast.While, ...]
    first_line: int
    last_line: int

    def expressions(self) -> Iterator[ast.AST]:
        """Everything that is evaluated on the statement's own lines, without the bodies below it."""
        if self.statement.lineno == self.statement.end_lineno:
            yield from ast.walk(self.statement)
            return
        for child in ast.iter_child_nodes(self.statement):
            if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                yield from ast.walk(child)


@lru_cache(maxsize=512)
def tree_of(source: SourceText) -> ast.Module | None:
    """The tree with the line numbers of the file; None where this Python cannot parse it."""
    try:
        if not source.text[:1].isspace():
            tree = ast.parse(source.text)
            return _moved(tree, source.first_line - 1)
        # Lines of strings and comments may stand further left than the method that they are in.
        block = ast.parse(f"if True:\n{source.text}").body[0]
    except (SyntaxError, ValueError, RecursionError):
        return None
    return _moved(ast.Module(getattr(block, "body", []), []), source.first_line - 2)


def _moved(tree: ast.Module, lines: int) -> ast.Module:
    for statement in tree.body:
        ast.increment_lineno(statement, lines)
    return tree


@lru_cache(maxsize=4096)
def spot(source: SourceText, line: int) -> Spot | None:
    """The innermost statement on a line of `source`."""
    tree = tree_of(source)
    return None if tree is None else _find(tree.body, line, None, ())


def _find(
    body: list[ast.stmt],
    line: int,
    function: ast.FunctionDef | ast.AsyncFunctionDef | None,
    loops: tuple[ast.For | ast.AsyncFor | ast.While, ...],
) -> Spot | None:
    for statement in body:
        if not statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            continue
        inner_function, inner_loops = function, loops
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            inner_function, inner_loops = statement, ()
        elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            inner_loops = (statement, *loops)
        # `if found in seen: continue` on one line is one statement as far as samples can tell.
        one_line = statement.lineno == statement.end_lineno
        for block in () if one_line else _blocks(statement):
            found = _find(block, line, inner_function, inner_loops)
            if found is not None:
                return found
        header_end = min(
            (max(block[0].lineno - 1, statement.lineno) for block in _blocks(statement) if block),
            default=statement.end_lineno,
        )
        # The condition of a while loop is evaluated every time round.
        around = inner_loops if one_line or isinstance(statement, ast.While) else loops
        return Spot(statement, function, around, statement.lineno, header_end or statement.lineno)
    return None


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    blocks += [handler.body for handler in getattr(statement, "handlers", [])]
    blocks += [case.body for case in getattr(statement, "cases", [])]
    return [block for block in blocks if isinstance(block, list) and block and isinstance(block[0], ast.stmt)]


def names(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def targets(loop: ast.AST) -> set[str]:
    """The names that a loop binds anew each time round."""
    if isinstance(loop, ast.For | ast.AsyncFor):
        return names(loop.target)
    if isinstance(loop, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return set().union(*(names(generator.target) for generator in loop.generators))
    return set()
