"""Explain room: a statement's text comes in; why it is not planned, or not run, goes out. In doubt it is not.

What the text shows is judged here, the same for all databases. What only the database knows (which functions are volatile, who is
a superuser) is judged beside each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.explain.interface import Refusal
from perfkit.explain.scanning import MYSQL, Piece, Unclear, telling

LONGEST = 1_000_000
_QUERIES = frozenset({"select", "values", "table", "with"})
PLANNED = _QUERIES | {"insert", "update", "delete", "replace", "merge"}
_ALLOWED = {
    "postgresql": PLANNED - {"replace"},
    "mysql": PLANNED - {"merge"},
    "mariadb": PLANNED - {"merge"},
    "sqlite": PLANNED - {"merge", "table"},
}
_WRITES = frozenset({"insert", "update", "delete", "merge", "replace"})
_WHOLE = "give one whole statement: SELECT, INSERT, UPDATE, DELETE, VALUES, TABLE or WITH"


def why_not_planned(text: str, system: str) -> Refusal | None:
    """None where it is one statement that EXPLAIN takes, and that EXPLAIN does not run."""
    if len(text) > LONGEST:
        return Refusal(f"it is {len(text):,} characters long; up to {LONGEST:,} are planned", "explain a shorter one")
    if "\0" in text or not _encodable(text):
        return Refusal("it has bytes in it that no statement has", "give the statement as text in UTF-8")
    try:
        pieces = telling(text, system)
    except Unclear as unclear:
        return Refusal(str(unclear), "give the whole statement: a log may have cut it off")
    return _why_not_planned(_without_last_semicolons(pieces), system)


def _why_not_planned(pieces: Sequence[Piece], system: str) -> Refusal | None:
    if not pieces:
        return Refusal("there is no statement in it", _WHOLE)
    if any(piece.text == "…" for piece in pieces) or [piece.text for piece in pieces[-3:]] == [".", ".", "."]:
        return Refusal("it was cut off", "let the log keep whole statements")
    if any(piece.text == ";" for piece in pieces):
        return Refusal("it is more than one statement", "explain one statement at a time")
    first = next((piece.says for piece in pieces if piece.text != "("), "")
    if first not in _ALLOWED.get(system, PLANNED):
        return Refusal(f"{first.upper()[:30] or 'this'} has no plan", _WHOLE)
    if _has_into(pieces):
        return Refusal("SELECT … INTO writes what it selects", "explain it without INTO")
    if system in MYSQL:
        return _mysql_text(pieces)
    return None


def why_not_run(text: str, system: str) -> Refusal | None:
    """None where the text is a single query that neither writes nor locks, as far as a text can show it."""
    try:
        pieces = _without_last_semicolons(telling(text, system))
    except Unclear as unclear:
        return Refusal(str(unclear), "give the whole statement")
    first = next((piece.says for piece in pieces if piece.text != "("), "")
    only = "only a SELECT that changes nothing is run"
    if first not in _QUERIES:
        return Refusal(f"it is {first.upper()[:30]}, and running it would change data", only)
    words = [piece.says for piece in pieces]
    for at, word in enumerate(words):
        if pieces[at].kind != "word":
            continue
        before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
        if word in _WRITES and before == "(":
            return Refusal(f"a part of it is {word.upper()}, which changes data", only)
        if word in ("for", "lock") and after in ("update", "share", "no", "key", "in"):
            return Refusal("it locks the rows that it reads", only)
    return None


def _mysql_text(pieces: Sequence[Piece]) -> Refusal | None:
    for at, piece in enumerate(pieces):
        if piece.text == ":=":
            return Refusal("it sets a variable", "explain it without the assignment")
        if piece.says == "next" and [other.says for other in pieces[at + 1 : at + 3]] == ["value", "for"]:
            return Refusal("it takes the next value of a sequence", "explain it with a number in its place")
        if piece.says == "procedure" and pieces[at + 2 : at + 3] and pieces[at + 2].text == "(":
            return Refusal("PROCEDURE runs code of the server", "explain it without PROCEDURE")
    return None


def _has_into(pieces: Sequence[Piece]) -> bool:
    """INTO that is not that of INSERT, REPLACE or MERGE."""
    targets = _WRITES | {"ignore", "low_priority", "delayed", "high_priority", "quick"}
    return any(
        piece.says == "into" and (not at or (pieces[at - 1].says not in targets and pieces[at - 1].text != "."))
        for at, piece in enumerate(pieces)
        if piece.kind == "word" and not _after_or(pieces, at)
    )


def _after_or(pieces: Sequence[Piece], at: int) -> bool:
    """SQLite's INSERT OR IGNORE INTO."""
    return at > 2 and pieces[at - 2].says == "or" and pieces[at - 3].says == "insert"


def _without_last_semicolons(pieces: Sequence[Piece]) -> Sequence[Piece]:
    end = len(pieces)
    while end and pieces[end - 1].text == ";":
        end -= 1
    return pieces[:end]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
