"""A statement as a report shows it: several lines, indented, long lists cut short.

In comes a statement with or without its literals, out comes text with line breaks. Comments go, hints stay. The library sqlparse
does the work, and never sees what is inside quotes: it reads backslashes in them in its own way. It takes quadratic time for long
and for deep statements (sqlparse #710), so these stay on one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from perfkit.shared.sqltokens import CUT, lexed
from perfkit.shared.sqlwords import QUERY

_READ = 200_000  # characters of a statement that are looked at
_LONGEST = 10_000  # characters that are shown, and that are formatted
_DEEPEST, _MOST_BRACKETS = 40, 400  # brackets in each other, and in all: sqlparse takes a second for 2,000
_SHOWN_ELEMENTS, _SHOWN_ROWS = 10, 3
_HINT = re.compile(r"/\*[+!M]|\*/")
_AS_WRITTEN = re.compile(r"\w+")
_SPLIT_UPDATE = re.compile(r"\b(do)\s+(update)\s+(set)\b", re.IGNORECASE)  # one clause of ON CONFLICT to everybody else
_STAND_IN = re.compile(r"'q([0-9]+)'|\"q([0-9]+)\"")


class _Piece(NamedTuple):
    kind: str
    text: str


_GAP, _MORE = _Piece("", " "), [_Piece("sign", ","), _Piece("", " "), _Piece("sign", CUT)]


def formatted(text: str, system: str, width: int = 90) -> str:
    """The statement over several lines, columns side by side up to `width` characters. Too long or too deep to be formatted, it is
    one line of at most 10,000 characters with an ellipsis where it was cut. It has the fingerprint of `text`, unless it was cut."""
    pieces = list(_pieces(text[:_READ], system))
    if len(text) > _READ:
        pieces.append(_Piece("sign", CUT))
    deep = _depth(pieces) > _DEEPEST
    pieces = pieces if deep else _shortened(pieces)
    line = "".join(piece.text for piece in pieces).strip()
    if len(line) > _LONGEST:
        return line[: _LONGEST - 1] + CUT
    tangled = deep or sum(piece.text in ("(", "[") for piece in pieces) > _MOST_BRACKETS
    lines = "" if tangled else _by_sqlparse(pieces, width)
    return lines if 0 < len(lines) <= 2 * _LONGEST else line


def _by_sqlparse(pieces: list[_Piece], width: int) -> str:
    """Several lines; empty where sqlparse gives up."""
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    hidden: list[str] = []
    parts: list[str] = []
    for kind, text in pieces:
        if kind in ("value", "name", "comment") and not _AS_WRITTEN.fullmatch(text):
            parts.append(f"'q{len(hidden)}'" if kind == "value" else f'"q{len(hidden)}"')
            hidden.append(text)
        else:
            parts.append(text)
    try:
        shown = str(sqlparse.format("".join(parts).strip(), reindent=True, indent_width=2, wrap_after=width))
    except (SQLParseError, RecursionError):
        return ""
    lines = (line.rstrip() for line in _SPLIT_UPDATE.sub(r"\1 \2 \3", shown.strip()).splitlines())
    return _STAND_IN.sub(lambda found: hidden[int(found[1] or found[2])], "\n".join(filter(None, lines)))


def _pieces(text: str, system: str) -> Iterator[_Piece]:
    """Each token, and one space for what is between two."""
    gap = True
    for match in lexed(text, system):
        kind = match.lastgroup or ""
        if kind and (kind != "comment" or _HINT.match(match.group())):
            gap = False
            yield _Piece("value" if kind == "tag" else kind, match.group())
        elif not gap:
            gap = True
            yield _GAP


def _depth(pieces: list[_Piece]) -> int:
    depth = deepest = 0
    for _, text in pieces:
        depth += (text in ("(", "[")) - (text in (")", "]"))
        deepest = max(deepest, depth)
    return deepest


def _shortened(pieces: list[_Piece]) -> list[_Piece]:
    """Ten elements of each list after IN and ARRAY, three rows of VALUES. Each bracket may be walked once per bracket around it."""
    out: list[_Piece] = []
    word = ""  # the last one before a bracket
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        out.append(piece)
        at += 1
        if piece.text in ("(", "[") and (word, piece.text) in (("in", "("), ("array", "["), ("values", "(")):
            walk = _rows if word == "values" else _elements
            cut, end = walk(pieces, at)
            if cut:
                out += [*pieces[at:cut], *_MORE]
                at = end
        if piece is not _GAP:
            word = piece.text.lower()
    return out


def _elements(pieces: list[_Piece], at: int) -> tuple[int, int]:
    """Where a list that begins at `at` is cut, 0 if it is short, and where its bracket closes."""
    first = next((piece.text.lower() for piece in pieces[at : at + 2] if piece is not _GAP), "")
    if first in QUERY:
        return 0, at
    commas, cut, depth = 0, 0, 0
    for near in range(at, len(pieces)):
        text = pieces[near].text
        if text in ("(", "["):
            depth += 1
        elif text in (")", "]"):
            depth -= 1
            if depth < 0:
                return cut, near
        elif text == "," and not depth:
            commas += 1
            cut = near if commas == _SHOWN_ELEMENTS else cut
    return cut, len(pieces)


def _rows(pieces: list[_Piece], at: int) -> tuple[int, int]:
    """Where rows whose first one begins at `at` are cut, 0 if they are few, and where the last one ends."""
    rows, cut, depth, end = 1, 0, 1, at
    for near in range(at, len(pieces)):
        text = pieces[near].text
        if text in (")", "]"):
            depth -= 1
            end = near + 1
        elif text in ("(", "["):
            rows += not depth
            cut = end if rows == _SHOWN_ROWS + 1 and not cut else cut
            depth += 1
        elif not depth and text not in (",", " "):
            break
        if depth < 0:
            break
    return cut, end if depth <= 0 else len(pieces)
