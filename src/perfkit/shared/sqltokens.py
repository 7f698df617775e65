"""Statements as tokens, and tokens as a statement again.

One lexer serves all; a text that ends too soon is read as far as it goes, and time grows with its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from perfkit.shared.sqlwords import KEYWORDS, RESERVED

MYSQL = frozenset({"mysql", "mariadb"})
_FLAT = MYSQL | {"sqlite"}  # where the first */ ends a comment; elsewhere comments nest
CUT = "…"
_NUMBER = r"\.?[0-9][\w.$]*(?:(?<=[eE])[+-][0-9][\w.$]*)?"
_BLOCK = r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?"
_DOUBLED = r"'[^']*(?:''[^']*)*'?"
_ESCAPED = r"'[^'\\]*(?:(?:''|\\.?)[^'\\]*)*'?"
_PLACEHOLDER = r"%[sbt](?!\w)|%\(\w[^()\s]*\)s|\?(?![|&](?![|&]))\d*|(?<![\w\])\":?]):(?:\w+|\?)|\$(?:[0-9]+|\w+)"
_REST = r"(?P<word>@{0,2}[^\W\d][\w$]*)|(?P<sign>->>|->|\#>>|\#>|@>|<@|<=>|<=|>=|<>|!=|\|\||&&|::|:=|%%|!~~\*|!~~|~~\*|~~|!~\*|~\*|!~|@@|<<|>>|\?[|&]|\S)"
_DOLLAR = r"\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)"
_STANDARD_TOKEN = rf"""(?P<comment>{_BLOCK}|--[^\r\n]*)
    |(?P<name>"[^"]*(?:""[^"]*)*"|`[^`]*`)
    |(?P<value>[eE]{_ESCAPED}|(?:[nNxXbB]|[uU]&)?{_DOUBLED}(?:[ \t]*[\r\n]\s*{_DOUBLED})*|{_DOLLAR}
        |{_PLACEHOLDER}|{_NUMBER}|["`].*)
    |{_REST}"""
_MYSQL_TOKEN = rf"""(?P<comment>/\*M?!\d*(?=\s)|\*/|{_BLOCK}|--(?![^\s\x00-\x1f])[^\r\n]*|\#[^\r\n]*)
    |(?P<name>`[^`]*`)
    |(?P<value>[nNxXbB]?{_ESCAPED}|{_ESCAPED.replace("'", '"')}|{_PLACEHOLDER}|{_NUMBER}|`.*)
    |{_REST}"""
_COMMON = r"""[,()=;]|\.(?![0-9])|[^\W\d][\w$]*+(?!['"&])"""  # tried first: no other kind of token begins like these
_DOLLAR_QUOTE = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_QUICK_LENGTH = 100_000  # characters; longer texts are not worth a list of all their tokens
_KNOWN_TOKENS, _KNOWN_LENGTH = 20_000, 64  # how many tokens are remembered, and up to how many characters each
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_CLOSE_TO_LEFT, _CLOSE_TO_RIGHT = frozenset({",", ")", "]", ";"}), frozenset({"", "(", "["})
_NEAR_LEFT, _NEAR_RIGHT = frozenset({".", "::", "[", "("}), frozenset({".", "::"})
_COMMENT_MARK = re.compile(r"/\*|\*/")
_LETTER_OR_QUOTE = re.compile(r"[^\W\d]|[\"`?]|@+\w")


@cache
def _pattern(mysql: bool) -> re.Pattern[str]:
    return re.compile(rf"\s+|{_MYSQL_TOKEN if mysql else _STANDARD_TOKEN}", re.VERBOSE | re.DOTALL)


@cache
def _quick(mysql: bool) -> re.Pattern[str]:
    """The same tokens without their kinds, which `findall` gives at the speed of C; dollar quotes need a group: not among them."""
    token = _MYSQL_TOKEN if mysql else _STANDARD_TOKEN.replace(f"|{_DOLLAR}", "")
    return re.compile(rf"\s*({_COMMON}|" + re.sub(r"\(\?P<\w+>", "(?:", token) + ")", re.VERBOSE | re.DOTALL)


@cache
def _known(mysql: bool, fold: bool) -> _Known:
    return _Known(_pattern(mysql), fold)


def tokens_of(text: str, system: str, fold: bool) -> list[str]:
    """Words, quoted names, signs, and `?` for each value; `fold` lowers words. Signs of numbers and last semicolons go."""
    tokens: list[str] = []
    for token in _read(text, system, fold):
        if token == "?":
            add_value(tokens)
        elif token:
            tokens.append(token)
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return tokens


def _read(text: str, system: str, fold: bool) -> Iterator[str]:
    """Each token as `tokens_of` wants it, comments as nothing."""
    mysql = system in MYSQL
    nested = system not in _FLAT and text.count("/*") > 1
    if nested or len(text) > _QUICK_LENGTH or (not mysql and "$" in text and _DOLLAR_QUOTE.search(text)):
        return (_token(match, fold) for match in lexed(text, system))
    known = _known(mysql, fold)
    if len(known) > _KNOWN_TOKENS:
        known.clear()
    return map(known.__getitem__, _quick(mysql).findall(text.rstrip()))


class _Known(dict[str, str]):
    """What `tokens_of` makes of a token, for those that come again: all but strings and numbers."""

    def __init__(self, pattern: re.Pattern[str], fold: bool) -> None:
        self._pattern, self._fold = pattern, fold

    def __missing__(self, written: str) -> str:
        if written[0] in "'0123456789":
            return "?"
        match = self._pattern.match(written)
        token = _token(match, self._fold) if match else ""
        if len(written) <= _KNOWN_LENGTH:
            self[written] = token
        return token


def _token(match: re.Match[str], fold: bool) -> str:
    kind = match.lastgroup
    if kind == "word":
        return match.group().lower() if fold else match.group()
    if kind == "name":
        return _plain(match.group()) if fold else match.group()
    if kind == "sign":
        return match.group()
    return "?" if kind in ("value", "tag") else ""


def _plain(name: str) -> str:
    """A quoted name without its quotes where it reads the same without them."""
    inner = name[1:-1]
    return inner if _PLAIN.fullmatch(inner) and inner not in RESERVED else name


def lexed(text: str, system: str) -> Iterator[re.Match[str]]:
    """The lexer's matches, with nested comments passed over whole where they nest."""
    pattern = _pattern(system in MYSQL)
    if system in _FLAT or text.count("/*") < 2:
        yield from pattern.finditer(text)
        return
    at = 0
    while match := pattern.match(text, at):
        at = match.end()
        if match.lastgroup == "comment" and match.group().startswith("/*"):
            at = _comment_end(text, match.start())
        yield match


def _comment_end(text: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    return len(text)


def add_value(tokens: list[str]) -> None:
    while tokens and tokens[-1] in ("-", "+") and not (len(tokens) > 1 and _is_operand(tokens[-2])):
        tokens.pop()
    tokens.append("?")


def is_name(token: str) -> bool:
    """Whether a token is a word or a quoted name."""
    return token[0] in '"`_' or token[0].isalpha()


def _is_operand(token: str) -> bool:
    return token in (")", "]") or (bool(_LETTER_OR_QUOTE.match(token)) and token.lower() not in KEYWORDS)


def joined(tokens: list[str]) -> str:
    parts: list[str] = []
    before = earlier = ""
    for token in tokens:
        if token not in _CLOSE_TO_LEFT and before not in _CLOSE_TO_RIGHT:
            near = token in _NEAR_LEFT or before in _NEAR_RIGHT
            if not (near and _touch(earlier, before, token)):
                parts.append(" ")
        parts.append(token)
        earlier, before = before, token
    return "".join(parts)


def _touch(earlier: str, before: str, token: str) -> bool:
    """Whether no space stands between two tokens: as SQL is usually set, and so that it reads back as the same tokens."""
    if token in (".", "::", "["):
        return bool(_LETTER_OR_QUOTE.match(before)) or before in (")", "]")
    if before in _NEAR_RIGHT:
        return bool(_LETTER_OR_QUOTE.match(token)) or (before == "." and token == "*")
    return before[0].isalpha() and before.lower() not in KEYWORDS and earlier.lower() not in ("into", "as")
