"""Explain room: a statement's text comes in, its pieces with nothing left out go out: joined, they are the text again.

Made for safety, so it gives up where it cannot be sure: a string or comment without an end raises Unclear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["space", "comment", "string", "number", "name", "word", "placeholder", "sign"]
MYSQL = frozenset({"mysql", "mariadb"})

_DOUBLED = r"'[^']*(?:''[^']*)*'"
_ESCAPED = r"'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'"
_WORD = r"(?P<word>[^\W\d][\w$]*)"
_NUMBER = r"(?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_BOUND = r"%s(?!\w)|%\(\w+\)s|(?<![\w:]):[^\W\d]\w*"
_STANDARD = rf"""(?P<space>\s+)|(?P<comment>--[^\r\n]*)|(?P<open>/\*)
    |(?P<string>[eE]{_ESCAPED}|(?:[uU]&|[nNxXbB])?{_DOUBLED}|\$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$)
    |(?P<name>(?:[uU]&)?"[^"]*(?:""[^"]*)*"|`[^`]*`)
    |(?P<placeholder>\$\w+|\?\d+|{_BOUND}|\?(?![|&]))|{_NUMBER}|{_WORD}
    |(?P<sign>::|\?[|&]|[-+*/<>=~!@\#%^&|]+?(?=--|/\*|%s(?!\w)|%\(\w|[^-+*/<>=~!@\#%^&|]|$)|.)"""
_MYSQL_TEXT = rf"""(?P<space>\s+)|(?P<comment>\#[^\r\n]*|--(?=[\s\x00-\x1f]|$)[^\r\n]*)|(?P<open>/\*)
    |(?P<string>(?:_\w+\s*)?[nNxXbB]?{_ESCAPED}|{_ESCAPED.replace("'", '"')})|(?P<name>`[^`]*(?:``[^`]*)*`)
    |(?P<placeholder>\?|{_BOUND})|{_NUMBER}|(?P<word>@{{0,2}}[^\W\d][\w$]*)|(?P<sign>:=|<=>|->>?|[<>!]=|<>|\|\||&&|.)"""
_SQLITE = _STANDARD.replace("(?P<placeholder>", r"(?P<placeholder>@[^\W\d]\w*|")
_PATTERNS = {
    system: re.compile(text, re.VERBOSE | re.DOTALL)
    for system, text in (("", _STANDARD), ("sqlite", _SQLITE), ("mysql", _MYSQL_TEXT), ("mariadb", _MYSQL_TEXT))
}
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_COMMENT_MARK = re.compile(r"/\*|\*/")


class Unclear(Exception):
    """The text has no certain reading. Its message says where, in one line."""


@dataclass(frozen=True, slots=True)
class Piece:
    kind: Kind
    text: str

    @property
    def says(self) -> str:
        """What a keyword is compared with: a word in lower case; anything else as it is."""
        return self.text.lower() if self.kind == "word" else self.text

    @property
    def called(self) -> str:
        """A word or a quoted name as the catalog has it, in lower case: two names that differ in case alone are one here."""
        if self.kind == "name":
            quote = self.text[-1]
            inner = self.text[self.text.index(quote) + 1 : -1]
            return inner.replace(quote * 2, quote).lower()
        return self.text.lower()


@lru_cache(maxsize=64)
def pieces(text: str, system: str) -> tuple[Piece, ...]:
    """Raises Unclear."""
    pattern = _PATTERNS.get(system, _PATTERNS[""])
    found: list[Piece] = []
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        assert match is not None  # the last sign is any character
        kind, end = match.lastgroup, match.end()
        if kind == "open":
            kind, end = "comment", _comment_end(text, at, nests=system not in MYSQL and system != "sqlite")
        elif kind == "tag":
            kind = "string"
        elif kind == "sign" and (match.group() in ("'", '"', "`") or _DOLLAR.match(text, at)):
            raise Unclear("a quote in it is never closed")
        found.append(Piece(kind, text[at:end]))  # type: ignore[arg-type]
        at = end
    return tuple(found)


def telling(text: str, system: str) -> tuple[Piece, ...]:
    """Without spaces and comments. Raises Unclear."""
    return tuple(piece for piece in pieces(text, system) if piece.kind not in ("space", "comment"))


def _comment_end(text: str, start: int, nests: bool) -> int:
    if not nests:
        end = text.find("*/", start + 2)
        if end < 0:
            raise Unclear("a comment in it is never closed")
        return end + 2
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    raise Unclear("a comment in it is never closed")
