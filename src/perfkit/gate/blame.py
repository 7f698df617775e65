"""Blame: a line of the work tree comes in; the commit since the baseline that touched it goes out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from perfkit.gate.revisions import Revision, git
from perfkit.model.finding import Place

_UNCOMMITTED = "0" * 12
_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def since(revision: Revision, place: Place) -> str | None:
    """`added in a1b2c3d4e (subject)`, or that it is not committed; None where the line is as old as the baseline, or not of the repository."""
    path = Path(place.file)
    if not path.is_relative_to(revision.root):
        return None
    line = f"-L{place.line},{place.line}"
    found = git(
        revision.root, "blame", "--porcelain", line, f"^{revision.commit}", "--", str(path.relative_to(revision.root))
    )
    head = found.stdout.split()
    if found.returncode or not head:
        return _not_tracked(revision, path)
    fields = dict(text.partition(" ")[::2] for text in found.stdout.splitlines()[1:])
    if "boundary" in fields:
        return None
    if head[0].startswith(_UNCOMMITTED):
        return "not committed yet"
    return f"changed in {head[0][:9]} ({fields.get('summary', '')})"


def _not_tracked(revision: Revision, path: Path) -> str | None:
    told = git(revision.root, "status", "--porcelain", "--", str(path))
    return "not committed yet" if told.stdout.startswith(("??", "A")) else None


def changed_lines(revision: Revision) -> Mapping[str, frozenset[int]]:
    """By absolute path, the lines of the work tree that the baseline does not have; beside a removed line, the one in its place."""
    lines: dict[str, set[int]] = {}
    for path, text in _diff(revision, 0, "*.py"):
        if (match := _HUNK.match(text)) is not None:
            first, count = int(match[1]), int(match[2] or 1)
            lines.setdefault(path, set()).update(range(first, first + max(1, count)))
    return {file: frozenset(numbers) for file, numbers in lines.items()}


def _diff(revision: Revision, around: int, files: str) -> Iterator[tuple[str, str]]:
    """Lines of hunks with the absolute path of their file. What it was called before git tells only where it sees both names."""
    how = ("-c", "core.quotePath=false", "diff", f"-U{around}", "-M", "--no-color", "--no-ext-diff", "--no-prefix")
    path, header = "", False
    for text in git(revision.root, *how, revision.commit, "--", files).stdout.splitlines():
        header = text.startswith("diff --git ") or (header and not text.startswith("@@"))
        if not header:
            yield path, text
        elif text.startswith("+++ "):
            # Names with spaces end in a tab, which keeps them apart from a date.
            path = str(revision.root / text[4:].rstrip("\t").strip('"'))


def changed_functions(changed: Mapping[str, frozenset[int]]) -> Mapping[str, Mapping[int, int]]:
    """By file, each line of a function that has a changed line → the nearest of those; outside of functions, of the statement."""
    return {file: found for file, lines in changed.items() if (found := _around(Path(file), lines))}


def _around(file: Path, changed: frozenset[int]) -> dict[int, int]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    found: dict[int, int] = {}
    for first, last in _pieces(tree):
        inside = [line for line in changed if first <= line <= last]
        for line in range(first, last + 1) if inside else ():
            found[line] = min(inside, key=lambda one: (abs(one - line), one))
    return found


def _pieces(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """First and last lines, of what is outside before what is inside of it."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno or node.lineno
        elif isinstance(node, (ast.Module, ast.ClassDef)):
            for inner in node.body:
                if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    yield inner.lineno, inner.end_lineno or inner.lineno


def hunk(revision: Revision, place: Place) -> tuple[str, ...]:
    """The lines of the diff since the baseline around the place, as git prints them; empty where it did not change there."""
    path = Path(place.file)
    if not path.is_relative_to(revision.root):
        return ()
    lines: list[str] = []
    inside = False
    for file, text in _diff(revision, 3, f"*{path.suffix}"):
        if file != str(path):
            continue
        if (match := _HUNK.match(text)) is not None:
            if inside:
                break
            first, count = int(match[1]), int(match[2] or 1)
            inside = first <= place.line < first + max(1, count)
        elif inside:
            lines.append(text)
    return tuple(lines)
