"""A statement's tokens with their values, and what belongs together in them: brackets, CASE … END, queries inside of queries.

In come a text and its system, out comes a `Marked`, whose walks pass over what is nested. Time grows with the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from perfkit.shared.sqltokens import joined, lexed

_OPENING = {"(": ")", "[": "]", "case": "end"}
_CLOSING = frozenset(_OPENING.values())
_QUERY = frozenset({"select", "with", "values"})
_PLACEHOLDER = re.compile(r"%[sbt]$|%\(|\?|:\w|\$\d")
# Words that are no column wherever an operand may stand.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        "null true false and or not in is like ilike between escape case when then else end distinct from all any some array "
        "collate asc desc nulls by order rows range exists cast as interval limit current_date current_time current_timestamp "
        "localtime localtimestamp current_user binary div xor regexp rlike similar to glob match select with values using isnull "
        "notnull default for group",
    )
)
# Words that are keywords only beside others: (the word before, the word after).
_BESIDE = {
    "at": ("", "time"),
    "time": ("at", ""),
    "zone": ("time", ""),
    "first": ("nulls", ""),
    "last": ("nulls", ""),
    "partition": ("", "by"),
}


class Token(NamedTuple):
    """`kind` is word, name, value or sign; `text` as written; `low` a word in lower case, a name with its quotes."""

    kind: str
    text: str
    low: str


class Marked:
    """`tokens`, the index of each bracket's end in `ends`, and in `queries` each parenthesis that opens a query, with the
    one that opens the query around it (-1: the statement itself)."""

    __slots__ = ("ends", "folds", "queries", "tokens")

    def __init__(self, text: str, system: str) -> None:
        self.folds = system in ("mysql", "mariadb", "sqlite")  # case of a column's name means nothing, quoted or not
        self.tokens = list(_tokens(text, system))
        self.ends: dict[int, int] = {}
        self.queries: dict[int, int] = {}
        self._match()

    def _match(self) -> None:
        opened: list[tuple[int, str]] = []
        around = [-1]
        for at, token in enumerate(self.tokens):
            if token.kind not in ("word", "sign") or (at and self.tokens[at - 1].low == "."):
                continue
            if token.low in _OPENING:
                opened.append((at, _OPENING[token.low]))
                if token.low == "(" and self.low(at + 1) in _QUERY:
                    self.queries[at] = around[-1]
                    around.append(at)
            elif token.low in _CLOSING and opened and opened[-1][1] == token.low:
                start, _ = opened.pop()
                self.ends[start] = at
                if around[-1] == start:
                    around.pop()
        for at, _ in opened:  # cut off: what is open reaches to the end
            self.ends[at] = len(self.tokens)

    def low(self, at: int) -> str:
        """Empty outside of the statement, for names and for values."""
        if 0 <= at < len(self.tokens) and self.tokens[at].kind in ("word", "sign"):
            return self.tokens[at].low
        return ""

    def level(self, start: int, end: int) -> Iterator[int]:
        """Indexes from `start` to before `end`, without what is inside of brackets."""
        at = start
        while at < end:
            yield at
            at = max(at + 1, self.ends.get(at, at))

    def split(self, start: int, end: int, sign: str = ",") -> list[tuple[int, int]]:
        """The ranges between the signs on this level."""
        ranges, first = [], start
        for at in self.level(start, end):
            if self.low(at) == sign:
                ranges.append((first, at))
                first = at + 1
        return [(one, two) for one, two in (*ranges, (first, end)) if one < two]

    def inside(self, start: int, end: int) -> tuple[int, int]:
        """The range without the parentheses around the whole of it."""
        while self.low(start) == "(" and self.ends[start] == end - 1 and self.low(start + 1) not in _QUERY:
            start, end = start + 1, end - 1
        return start, end

    def is_query(self, at: int) -> bool:
        return self.low(at) == "(" and self.low(at + 1) in _QUERY

    def names(self, at: int) -> tuple[list[str], int]:
        """A dotted name that begins here, without quotes, and the index after it; ([], at) where none does."""
        parts: list[str] = []
        while self.is_name(at):
            parts.append(self.name(at))
            if self.low(at + 1) != "." or not self.is_name(at + 2):
                return parts, at + 1
            at += 2
        return parts, at

    def is_name(self, at: int) -> bool:
        if not 0 <= at < len(self.tokens):
            return False
        token = self.tokens[at]
        dotted = at > 0 and self.tokens[at - 1].low == "."
        if token.kind != "word" or dotted:
            return token.kind in ("word", "name")
        before, after = _BESIDE.get(token.low, ("", ""))
        beside = (before and self.low(at - 1) == before) or (after and self.low(at + 1) == after)
        return token.text[0] != "@" and token.low not in RESERVED and not beside

    def name(self, at: int) -> str:
        token = self.tokens[at]
        if token.kind == "name":
            quote = token.text[0]
            return token.text[1:-1].replace(quote * 2, quote)
        return token.text if self.folds else token.low

    def literal(self, start: int, end: int) -> str | None:
        """The constant as it is written, where this is one and no placeholder."""
        one = self.tokens[start] if start < end and (end - start == 1 or self.low(start + 1) == "::") else None
        if one and one.kind == "value" and not _PLACEHOLDER.match(one.text):
            return one.text
        return one.low if one and one.low in ("true", "false", "null") else None

    def has_placeholder(self, start: int, end: int) -> bool:
        return any(token.kind == "value" and _PLACEHOLDER.match(token.text) for token in self.tokens[start:end])

    def sql(self, start: int, end: int) -> str:
        """As SQL again, without the tables in front of columns."""
        kept = [
            token.text
            for at, token in enumerate(self.tokens[start:end], start)
            if not (
                (token.low == "." and self.low(at + 2) != "(")
                or (self.low(at + 1) == "." and token.kind in ("word", "name") and self.low(at + 3) != "(")
            )
        ]
        return joined(kept)


def _tokens(text: str, system: str) -> Iterator[Token]:
    named, name_end = "", -1
    for match in lexed(text, system):
        kind, written = match.lastgroup, match.group()
        if kind == "name" and match.start() == name_end and written[0] == "`":
            named, name_end = named + written, match.end()  # `a``b` is one name
            continue
        if named:
            yield Token("name", named, named)
            named = ""
        if kind == "name":
            named, name_end = written, match.end()
        elif kind in ("word", "sign"):
            yield Token(kind, written, written.lower())
        elif kind in ("value", "tag"):
            yield Token("value", written, "")
    if named:
        yield Token("name", named, named)
