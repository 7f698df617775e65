"""Many statements at once, each as a key: statements with one key have one fingerprint, and few keys stand for many statements.

Statements come in as bytes and go out as outlines, which are statements still: strings are '', numbers 0, long lists of values one
value. An outline has the fingerprint of its statement. Whether taking strings away by their quotes alone was right is seen in
the outline itself (up to the first quote that is none, all of the statement is still in it), so it is asked once for each outline.
"""

from __future__ import annotations

import re
from itertools import islice

from perfkit.collectors.sqllog.possessive import possessive

_MYSQL = frozenset({"mysql", "mariadb"})
_WORD = rb"\w\x80-\xff"
_VALUE = rb"(?:-?(?:''|0)|\$[0-9]+|\?|%s|NULL|null|DEFAULT|default)"
_VALUES = _VALUE + possessive(rb", ?" + _VALUE)
_STRING = re.compile(rb"'[^'\0]*'?")
_FRACTION = possessive(rb"\.[0-9]++", b"?")
_NUMBER = re.compile(
    (
        rb"[0-9](?<=[^%(w)s$.:?][0-9])(?<![eE][+-][0-9])[0-9]*+"
        + _FRACTION
        + possessive(rb"[eE][+-]?[0-9]++", b"?")
        + rb"(?![%(w)s.$])"
    )
    % {b"w": _WORD}
)
# Twice as fast where a number follows one certain character: the search for that is one of C's.
_QUICK_NUMBERS = tuple(
    (re.compile(re.escape(before) + rb"[0-9]++" + _FRACTION + rb"(?![%(w)s.$])" % {b"w": _WORD}), before + b"0")
    for before in (b" ", b"(", b"=")
)
# Each begins with letters: the search for them is one of C's.
_LISTS = tuple(
    (word, re.compile(word + pattern % {b"m": word, b"v": _VALUES}), word + kept)
    for upper, pattern, kept in (
        (b" IN", rb" ?\(%(v)s\)", b" (0)"),
        (b"ARRAY", rb"(?<=[ (,=\t\n]%(m)s)\[%(v)s\]", b"[0]"),
        (b"VALUES", rb"(?<=[ )\t\n]%(m)s) ?\(%(v)s\)" + possessive(rb", ?\(%(v)s\)"), b" (0)"),
    )
    for word in (upper, upper.lower())
)
_HARD = re.compile(rb"""--|/\*|%%\(|\x02|\$(?:[a-zA-Z_\x80-\xff][%(w)s]*)?\$|(?<![%(w)s])[eE]''""" % {b"w": _WORD})
_HARD_MYSQL = re.compile(rb"""--|/\*|\*/|%\(|\x02|["#]""")
_HARD_NAME = re.compile(rb"['(\[]|(?<![%(w)s])[0-9]|VALUES|values" % {b"w": _WORD})
_NUL = b"\0"
_WINDOW = 1 << 21


def rough_outlines(texts: list[bytes], system: str) -> list[bytes]:
    """One for each, with the numbers that stand after a space, a parenthesis or `=` alone taken away. The texts have no NUL."""
    joined = _NUL.join(texts)
    if system in _MYSQL and b"\\" in joined:
        # Escaped quotes end no string. The mark stays in the outline where it was outside of one.
        joined = joined.replace(b"\\\\", b"\x02").replace(b"\\'", b"\x02").replace(b'\\"', b"\x02")
    parts = joined.split(b"'")
    if len(parts) % 2 and _NUL not in b"".join(parts[1::2]):
        joined = b"''".join(parts[::2])
    else:  # a statement that was cut off in a string
        joined = _STRING.sub(b"''", joined)
    while b"''''" in joined:  # doubled quotes inside of strings
        joined = joined.replace(b"''''", b"''")
    for pattern, kept in _QUICK_NUMBERS:
        joined = _replaced(pattern, kept, joined)
    return _without_lists(joined).split(_NUL)


def outlines(rough: list[bytes]) -> list[bytes]:
    """One for each rough one, without any number; to be believed only where `is_sound`."""
    return _without_values(_NUL.join(rough)).split(_NUL) if rough else []


def is_sound(outline: bytes, system: str) -> bool:
    """Whether nothing in it says that its statement must be read more exactly: comments, dollar quotes, escapes, quotes in names."""
    if (_HARD_MYSQL if system in _MYSQL else _HARD).search(outline):
        return False
    if b'"' in outline and b"`" in outline:
        return False
    return all(_are_plain(outline.split(quote)) for quote in (b'"', b"`") if quote in outline)


def _are_plain(parts: list[bytes]) -> bool:
    """Whether all names between quotes end, and none has in it what was taken for a value."""
    return len(parts) % 2 == 1 and not any(map(_HARD_NAME.search, parts[1::2]))


def _without_values(joined: bytes) -> bytes:
    return _without_lists(_replaced(_NUMBER, b"0", joined))


def _replaced(pattern: re.Pattern[bytes], kept: bytes, joined: bytes) -> bytes:
    """A statement of megabytes piece by piece: `sub` keeps all pieces between its matches, ten times the statement's bytes. No
    number goes on behind a space."""
    if len(joined) <= _WINDOW:
        return pattern.sub(kept, joined)
    pieces, at = [], 0
    while at < len(joined):
        end = joined.find(b" ", at + _WINDOW)
        pieces.append(pattern.sub(kept, joined[at : end if end >= 0 else None]))
        at = end if end >= 0 else len(joined)
    return b"".join(pieces)


def _without_lists(joined: bytes) -> bytes:
    for mark, pattern, kept in _LISTS:
        if mark in joined:
            joined = pattern.sub(kept, joined)
    return joined


# What does not end goes on to the end of the statement, as in the lexer of fingerprints: so none is looked for twice.
_COMMENT = rb"/\*[^*\0]*+" + possessive(rb"\*(?!/)[^*\0]*+") + rb"(?:\*/)?+"
_NAME = rb"`[^`\0]*`"
_ESCAPED = rb"'[^'\\\0]*+(?:(?:''|\\[^\0]?+)[^'\\\0]*+)*+'?+"
_PARTS = re.compile(
    rb"""(?P<comment>%(c)s|--[^\r\n\0]*)|(?P<name>"[^"\0]*(?:""[^"\0]*)*"|%(n)s)
    |(?P<value>(?<![%(w)s$:@])[eE]%(e)s|'[^'\0]*+(?:''[^'\0]*+)*+'?+
        |(?<![%(w)s$])\$(?P<tag>[a-zA-Z_][a-zA-Z0-9_]*|)\$[^\0]*?(?:\$(?P=tag)\$|(?=\0)|\Z))"""
    % {b"c": _COMMENT, b"n": _NAME, b"w": _WORD, b"e": _ESCAPED},
    re.VERBOSE,
)
_PARTS_MYSQL = re.compile(
    rb"""(?P<comment>\*/|%(c)s|--(?![^\s\x00-\x1f])[^\r\n\0]*|\#[^\r\n\0]*)|(?P<name>%(n)s)|(?P<value>%(e)s|%(d)s)"""
    % {b"c": _COMMENT, b"n": _NAME, b"e": _ESCAPED, b"d": _ESCAPED.replace(b"'", b'"')},
    re.VERBOSE,
)
# What is left of constructs that these patterns do not read as the lexer of fingerprints does.
_LEFT = re.compile(rb"""\x01|--|/\*|\*/|%%\(|["'`#]|\$[%(w)s]*\$""" % {b"w": _WORD})
_EMPTY_OF = {b'"': b'""', b"e": b"E''", b"E": b"E''", b"$": b"\x04"}
_EMPTY = re.compile(rb"''|\"\"")
_UNCERTAIN = re.compile(rb"[\x01-\x04]|\.[eE]'|\.\$")


def read_exactly(texts: list[bytes], system: str) -> list[tuple[bytes | None, bytes]]:
    """The outline of each, read part by part from its start, and its comments. None where even that will not do."""
    certain = texts
    if _UNCERTAIN.search(_NUL.join(texts)):
        certain = [b"" if _UNCERTAIN.search(text) else text for text in texts]
    names: list[bytes] = []
    comments: list[bytes] = []

    def kept(match: re.Match[bytes]) -> bytes:
        kind = match.lastgroup
        if kind == "name":
            names.append(match.group())
            return b"\x03"
        if kind == "comment":
            comments.append(match.group())
            odd = b"/*" in comments[-1][2:] or comments[-1].startswith((b"/*!", b"/*M!", b"*/"))
            return b"\x01\x02" if odd else b"\x02"
        # The kind of quotes is kept: plain strings on two lines are one, others are not.
        return _EMPTY_OF.get(match.group()[:1], b"''")

    outline = (_PARTS_MYSQL if system in _MYSQL else _PARTS).sub(kept, _NUL.join(certain))
    while b"''''" in outline:
        outline = outline.replace(b"''''", b"'' ''")
    while b'""""' in outline:
        outline = outline.replace(b'""""', b'"" ""')
    outline = _without_values(outline)
    bare = outline.split(_NUL)
    unsound = {each for each in set(bare) if _LEFT.search(_EMPTY.sub(b"", each))}
    pieces = outline.replace(b"\x02", b"/**/").replace(b"\x04", b"$$$$").split(b"\x03")
    outline = pieces[0] + b"".join([name + piece for name, piece in zip(names, pieces[1:], strict=True)])
    said = iter(comments)
    read: list[tuple[bytes | None, bytes]] = []
    for each, whole, text, given in zip(bare, outline.split(_NUL), certain, texts, strict=True):
        comment = b" ".join(islice(said, each.count(b"\x02"))) if b"\x02" in each else b""
        read.append((None if each in unsound or text is not given else whole, comment))
    return read


def without_last_comment(text: bytes) -> tuple[bytes, bytes]:
    """The statement and the comment at its end, as sqlcommenter writes it; an empty comment where it may be anything else."""
    body = text.rstrip(b" ;\r\n\t")
    at = body.rfind(b"/*") if body.endswith(b"*/") else -1
    if at < 0 or body.find(b"*/", at + 2) != len(body) - 2 or body.startswith((b"/*!", b"/*M!"), at):
        return text, b""
    return (body[:at], body[at:]) if text.count(b"'", 0, at) % 2 == 0 else (text, b"")
