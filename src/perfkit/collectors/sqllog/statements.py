"""Texts of statements become numbers of fingerprints: texts come in as bytes, a block's worth at once; the fingerprints are kept here.

The exact fingerprint costs some 100 µs, so it is asked once for each outline (see `cheapkeys`), and an outline once for each text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count
from urllib.parse import unquote_plus

from perfkit.collectors.sqllog.cheapkeys import is_sound, outlines, read_exactly, rough_outlines, without_last_comment
from perfkit.shared.sqltext import fingerprint

_MOST_OUTLINES = 100_000
_MOST_TEXTS = 50_000
_LONGEST_TEXT = (
    400  # bytes of a text that is remembered as it is: many come again, and a look-up costs a tenth of an outline
)
_MANY = 2000
_TO_BE_READ = -1
_PARAMETER = re.compile(rb"\$[0-9]")
_LONGEST_EXACT = 100_000  # bytes of a statement that are read to its end where its outline will not do
_TAG = re.compile(rb"([\w.-]{1,64})='((?:[^'\\]|\\.){1,200})'")
_TAGS_OF_ONE_REQUEST = frozenset({"traceparent", "tracestate", "request_id", "trace_id", "span_id"})


@dataclass(frozen=True, slots=True)
class Statement:
    """`prepared`: it has parameters of the protocol ($1), not values."""

    fingerprint: str
    prepared: bool


class Statements:
    """The statements of one log that were met so far. `known[n]` is what `numbers` calls n."""

    def __init__(self, system: str) -> None:
        self.known: list[Statement] = []
        self._system = system
        self._rough: dict[bytes, int] = {}
        self._outlines: dict[bytes, int] = {}
        self._texts: dict[bytes, int] = {}
        self._met: dict[bytes, int] = {}
        self._comments: dict[bytes, bytes] = {}
        self._numbers: dict[Statement, int] = {}
        self._some_unsound = False

    def numbers(self, texts: list[bytes]) -> tuple[list[int], dict[int, bytes]]:
        """One for each text, and the comments with tags by the index of their text."""
        met, said = self._met, self._comments
        try:
            found = list(map(met.__getitem__, texts))
            new = []
        except KeyError:
            if len(met) > _MOST_TEXTS:
                met.clear()
                said.clear()
            new = list(set(texts).difference(met))
            numbers, comments = self._read(new)
            met.update(zip(new, numbers, strict=True))
            said.update((new[at], comment) for at, comment in comments.items())
            found = list(map(met.__getitem__, texts))
        with_tags = compress(count(), map(said.__contains__, texts)) if said else ()
        comments = {at: said[texts[at]] for at in with_tags}
        for text in new:
            if len(text) > _LONGEST_TEXT:
                del met[text]
                said.pop(text, None)
        return found, comments

    def _read(self, texts: list[bytes]) -> tuple[list[int], dict[int, bytes]]:
        """As `numbers`, of texts that were not met."""
        found = self._by_outline(texts)
        if not self._some_unsound or min(found, default=0) != _TO_BE_READ:
            return found, {}
        left = [at for at, number in enumerate(found) if number == _TO_BE_READ]
        pairs = [without_last_comment(texts[at]) for at in left]
        comments = {at: comment for at, (_, comment) in zip(left, pairs, strict=True) if comment}
        bodies = {at: body for at, (body, comment) in zip(left, pairs, strict=True) if comment}
        for at, number in zip(bodies, self._by_outline(list(bodies.values())), strict=True):
            found[at] = number
        if not (left := [at for at in left if found[at] == _TO_BE_READ]):
            return found, comments
        for at, (outline, comment) in zip(left, read_exactly([texts[at] for at in left], self._system), strict=True):
            found[at] = self._remembered(texts[at] if outline is None else outline)
            if comment:
                comments[at] = comment
        return found, comments

    def _by_outline(self, texts: list[bytes]) -> list[int]:
        known, keys = self._rough, rough_outlines(texts, self._system) if texts else []
        try:
            return list(map(known.__getitem__, keys))
        except KeyError:
            new = list(set(keys).difference(known))
        if len(new) > _MANY:  # most of this block will not come again
            known = {key: known[key] for key in set(keys).difference(new)}
        elif len(known) > _MOST_OUTLINES:
            known.clear()
            new = list(set(keys))
        for key, outline in zip(new, outlines(new), strict=True):
            known[key] = self._sound_number(outline)
        return list(map(known.__getitem__, keys))

    def _sound_number(self, outline: bytes) -> int:
        number = self._outlines.get(outline)
        if number is None:
            if len(self._outlines) > _MOST_OUTLINES:
                self._outlines.clear()
            number = self._number(outline) if is_sound(outline, self._system) else _TO_BE_READ
            self._outlines[outline] = number
            self._some_unsound = self._some_unsound or number == _TO_BE_READ
        return number

    def _remembered(self, text: bytes) -> int:
        text = text[:_LONGEST_EXACT]
        number = self._texts.get(text)
        if number is None:
            if len(self._texts) > _MOST_OUTLINES // 10:
                self._texts.clear()
            number = self._texts[text] = self._number(text)
        return number

    def _number(self, text: bytes) -> int:
        exact = fingerprint(text.decode("utf-8", "replace"), self._system)
        statement = Statement(exact, self._system == "postgresql" and bool(_PARAMETER.search(text)))
        number = self._numbers.setdefault(statement, len(self.known))
        if number == len(self.known):
            self.known.append(statement)
        return number


def tags(comments: Sequence[bytes]) -> list[str]:
    """`name=value` of each tag in comments as sqlcommenter writes them, without those that every request has its own of."""
    found: list[str] = []
    for comment in comments:
        for name, value in _TAG.findall(comment):
            key = unquote_plus(name.decode("utf-8", "replace"))
            if key not in _TAGS_OF_ONE_REQUEST:
                found.append(f"{key}={unquote_plus(value.decode('utf-8', 'replace'))}")
    return found
