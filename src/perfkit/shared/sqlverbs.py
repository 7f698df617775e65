"""Where a statement's main verb stands among its tokens, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator

WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_MAIN_VERBS = WRITES | {"SELECT", "VALUES", "TABLE"}


def main_verb(tokens: list[str]) -> int:
    """The index of the main verb: after opening parentheses and the parts of WITH; of WITH itself if nothing follows."""
    start = next((at for at, token in enumerate(tokens) if token not in ("(", ";")), len(tokens))
    if start < len(tokens) and tokens[start].lower() == "with":
        return next((at for at in on_level(tokens, start) if tokens[at].upper() in _MAIN_VERBS), start)
    return start


def on_level(tokens: list[str], start: int) -> Iterator[int]:
    """Indexes after `start` outside of any parenthesis opened later, until one opened earlier closes."""
    depth = 0
    for at in range(start + 1, len(tokens)):
        if tokens[at] in ("(", "["):
            depth += 1
        elif tokens[at] in (")", "]"):
            depth -= 1
            if depth < 0:
                return
        elif not depth:
            yield at
