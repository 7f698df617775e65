"""Blame: a line of the work tree comes in; the commit since the baseline that touched it goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    found = git(
        revision.root, "diff", "-U0", "--no-color", "--no-ext-diff", "--no-prefix", revision.commit, "--", "*.py"
    )
    lines: dict[str, set[int]] = {}
    path = ""
    for text in found.stdout.splitlines():
        if text.startswith("+++ "):
            path = str(revision.root / text[4:].strip('"'))
        elif (match := _HUNK.match(text)) is not None:
            first, count = int(match[1]), int(match[2] or 1)
            lines.setdefault(path, set()).update(range(first, first + max(1, count)))
    return {file: frozenset(numbers) for file, numbers in lines.items()}
