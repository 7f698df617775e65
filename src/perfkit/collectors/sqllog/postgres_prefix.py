"""log_line_prefix: the setting comes in, the patterns of what the server writes with it go out.

Escapes as in PostgreSQL's documentation, 19.8.3. Fields end where the next fixed letter stands, so that no line is tried twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_ZONE = rb"(?:[A-Za-z]{1,8}|[+-]\d\d(?::?\d\d){0,2})"
_SECOND = rb"\d{4}-[\d-]{5} [\d:]{8}"
_TIMES = {
    "t": _SECOND + rb" " + _ZONE,
    "m": _SECOND + rb"\.\d{3} " + _ZONE,
    "n": rb"\d{9,11}(?:\.\d{1,6})?",
}
_FIXED = {
    "p": rb"\d+",
    "P": rb"\d*",
    "c": rb"[0-9a-f]+\.[0-9a-f]+",
    "l": rb"\d+",
    "v": rb"[0-9/]*",
    "x": rb"\d+",
    "e": rb"[0-9A-Z]{5}",
    "Q": rb"-?\d+",
    "s": _SECOND + rb" " + _ZONE,
}
_NAMES = {"u": "user", "d": "database", "a": "application", "h": "host", "r": "host", "c": "connection", "p": "process"}
_WORTH = {"c": 16, "p": 8, "u": 4, "d": 4, "a": 2, "r": 1, "h": 1}
# What all records of a connection share.
_OF_SESSION = frozenset("udahrpcs")
_ESCAPE = re.compile(r"%(-?\d*)([a-zA-Z%])|([^%]+)|%")
_LONGEST_NAME = 64


class Part(NamedTuple):
    """`letter` is that of the escape, empty for fixed text; `pattern` matches what the server writes for it."""

    letter: str
    pattern: bytes


@dataclass(frozen=True)
class Prefix:
    """`plain` matches a prefix without groups; `pattern` with three: the time, and two parts of what tells the session. A
    session's two parts, one behind the other, are what `session` matches, with groups by the names of Session, `process` and
    `connection` (%c)."""

    setting: str
    plain: bytes
    pattern: bytes
    session: re.Pattern[bytes]
    time: str


def compiled(setting: str) -> Prefix:
    parts, optional = _parts(setting), _before_stop(setting)
    time = next((part.letter for part in parts if part.letter in _TIMES), "")
    first, second = _segments(parts, optional)
    plain = _optional([part.pattern for part in parts], optional)
    marked = [part.pattern for part in parts]
    for segment in (first, second):
        if segment:
            marked[segment[0]] = b"(" + marked[segment[0]]
            marked[segment[-1]] += b")"
    at = next((at for at, part in enumerate(parts) if part.letter == time and time), None)
    early = at is not None and bool(first) and first[0] < at
    if at is not None and not early:
        marked[at] = b"(" + marked[at] + b")"
    pattern = _optional(marked, optional)
    if at is None:
        pattern = b"()" + pattern
    elif early:  # the time is the first group wherever it stands
        pattern = b"(?=" + b"".join(part.pattern for part in parts[:at]) + b"(" + parts[at].pattern + b"))" + pattern
    pattern += b"()" * (2 - bool(first) - bool(second))
    names = _named([parts[at] for at in (*first, *second)])
    return Prefix(setting, plain, pattern, re.compile(names), time)


def _optional(patterns: list[bytes], stop: int) -> bytes:
    """What stands after %q is missing for the server's own processes."""
    if stop >= len(patterns):
        return b"".join(patterns)
    return b"".join(patterns[:stop]) + b"(?:" + b"".join(patterns[stop:]) + b")?"


def _parts(setting: str) -> list[Part]:
    pieces = [piece for piece in _ESCAPE.finditer(setting) if piece[2] != "q"]
    texts = [piece[0] if piece[2] is None else "%" if piece[2] == "%" else "" for piece in pieces]
    parts: list[Part] = []
    for at, piece in enumerate(pieces):
        if texts[at]:
            parts.append(Part("", re.escape(texts[at].encode())))
            continue
        following = next((text[0] for text in texts[at + 1 : at + 2] if text), "")
        pad = rb" *" if piece[1] else b""
        parts.append(Part(piece[2], pad + _field(piece[2], following) + pad))
    return parts


def _before_stop(setting: str) -> int:
    before, stop, _ = re.sub("%%", "\0\0", setting).partition("%q")
    return len(_parts(setting[: len(before)])) if stop else len(_parts(setting))


def _field(letter: str, following: str) -> bytes:
    if letter in _TIMES or letter in _FIXED:
        return _TIMES.get(letter) or _FIXED[letter]
    if letter in "ud" and following:
        return rb"[^%b\n]{0,%d}" % (re.escape(following.encode()), _LONGEST_NAME)
    if letter in "hrL":
        return (
            rb"[^\s%b]{0,255}" % re.escape(following.encode())
            if following not in ("", " ", ":", "(")
            else rb"[^\s]{0,255}?"
        )
    if not following:
        return rb"[^\n]{0,%d}?" % _LONGEST_NAME
    # Word by word, which takes fewer steps than letter by letter.
    name = {b"f": re.escape(following.encode()), b"n": _LONGEST_NAME}
    return rb"[^%(f)b\n]{0,%(n)d}+(?:%(f)b[^%(f)b\n]{0,%(n)d}+){0,16}?" % name


def _segments(parts: list[Part], stop: int) -> tuple[list[int], list[int]]:
    """Indexes of two runs of parts: what tells the process, and who it is. Parts between them may change with every record."""
    runs: list[list[int]] = [[]]
    for at, part in enumerate(parts):
        if at == stop or (part.letter and part.letter not in _OF_SESSION):
            runs.append([])
        if part.letter in _OF_SESSION or (runs[-1] and not part.letter):
            runs[-1].append(at)
    ranked = sorted(filter(None, runs), key=lambda run: -sum(_WORTH.get(parts[at].letter, 0) for at in run))[:2]
    ranked.sort()
    return (ranked[0] if ranked else []), (ranked[1] if len(ranked) > 1 else [])


def _named(parts: list[Part]) -> bytes:
    pattern, seen = b"", set[str]()
    for part in parts:
        name = _NAMES.get(part.letter, "")
        pattern += b"(?P<%b>%b)" % (name.encode(), part.pattern) if name and name not in seen else part.pattern
        seen.add(name)
    return pattern
