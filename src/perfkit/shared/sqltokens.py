"""Statements as tokens, and tokens as a statement again.

One lexer serves all; a text that ends too soon is read as far as it goes, and time grows with its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MYSQL = frozenset({"mysql", "mariadb"})
_FLAT = MYSQL | {"sqlite"}  # where the first */ ends a comment; elsewhere comments nest
# Words after which an operand begins, so that a minus belongs to the number and a parenthesis is not a call.
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "select from where and or not in on as by having limit offset set values returning distinct all any some between "
        "like ilike is case when then else union except intersect using into join exists over filter with return conflict",
    )
)
CUT = "…"
QUERY = frozenset({"select", "with", "values", "table"})
_NUMBER = r"\.?[0-9][\w.$]*(?:(?<=[eE])[+-][0-9][\w.$]*)?"
_BLOCK = r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?"
_DOUBLED = r"'[^']*(?:''[^']*)*'?"
_ESCAPED = r"'[^'\\]*(?:(?:''|\\.?)[^'\\]*)*'?"
_PLACEHOLDER = r"%[sbt](?!\w)|%\(\w[^()\s]*\)s|\?(?![|&](?![|&]))\d*|(?<![\w\])\":?]):(?:\w+|\?)|\$(?:[0-9]+|\w+)"
_REST = r"(?P<word>@{0,2}[^\W\d][\w$]*)|(?P<sign>->>|->|\#>>|\#>|@>|<@|<=>|<=|>=|<>|!=|\|\||&&|::|:=|%%|!~~\*|!~~|~~\*|~~|!~\*|~\*|!~|@@|<<|>>|\?[|&]|\S)"
_STANDARD = re.compile(
    rf"""\s+|(?P<comment>{_BLOCK}|--[^\r\n]*)
    |(?P<name>"[^"]*(?:""[^"]*)*"|`[^`]*`)
    |(?P<value>[eE]{_ESCAPED}|(?:[nNxXbB]|[uU]&)?{_DOUBLED}(?:[ \t]*[\r\n]\s*{_DOUBLED})*|\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
        |{_PLACEHOLDER}|{_NUMBER}|["`].*)
    |{_REST}""",
    re.VERBOSE | re.DOTALL,
)
_MYSQL_TEXT = re.compile(
    rf"""\s+|(?P<comment>/\*M?!\d*(?=\s)|\*/|{_BLOCK}|--(?![^\s\x00-\x1f])[^\r\n]*|\#[^\r\n]*)
    |(?P<name>`[^`]*`)
    |(?P<value>[nNxXbB]?{_ESCAPED}|{_ESCAPED.replace("'", '"')}|{_PLACEHOLDER}|{_NUMBER}|`.*)
    |{_REST}""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# Names that stay quoted: they would read as something else.
_RESERVED = _KEYWORDS | frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "between",
        "binary",
        "both",
        "by",
        "case",
        "cast",
        "check",
        "coalesce",
        "collate",
        "column",
        "concurrently",
        "constraint",
        "create",
        "cross",
        "current_date",
        "current_role",
        "current_time",
        "current_timestamp",
        "current_user",
        "default",
        "deferrable",
        "delete",
        "desc",
        "describe",
        "distinct",
        "do",
        "dumpfile",
        "else",
        "end",
        "except",
        "exists",
        "extract",
        "fetch",
        "first",
        "for",
        "foreign",
        "from",
        "full",
        "grant",
        "greatest",
        "group",
        "grouping",
        "having",
        "ignore",
        "ilike",
        "in",
        "index",
        "initially",
        "inner",
        "insert",
        "intersect",
        "interval",
        "into",
        "is",
        "isnull",
        "join",
        "key",
        "keys",
        "lateral",
        "leading",
        "least",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "lock",
        "low_priority",
        "match",
        "materialized",
        "merge",
        "natural",
        "next",
        "not",
        "notnull",
        "null",
        "nullif",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "outfile",
        "over",
        "overlaps",
        "overlay",
        "placing",
        "position",
        "primary",
        "quick",
        "range",
        "rank",
        "read",
        "references",
        "release",
        "replace",
        "returning",
        "right",
        "row",
        "rows",
        "select",
        "session_user",
        "set",
        "similar",
        "some",
        "straight_join",
        "substring",
        "symmetric",
        "table",
        "tablesample",
        "then",
        "to",
        "top",
        "trailing",
        "treat",
        "trim",
        "true",
        "false",
        "union",
        "unique",
        "update",
        "user",
        "using",
        "values",
        "variadic",
        "verbose",
        "when",
        "where",
        "window",
        "with",
        "write",
    ]
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_LETTER_OR_QUOTE = re.compile(r"[^\W\d]|[\"`?]|@+\w")


def tokens_of(text: str, system: str, fold: bool) -> list[str]:
    """Words, quoted names, signs, and `?` for each value; `fold` lowers words. Signs of numbers and last semicolons go."""
    tokens: list[str] = []
    for match in _lexed(text, system):
        kind = match.lastgroup
        if kind == "word":
            tokens.append(match.group().lower() if fold else match.group())
        elif kind == "name":
            tokens.append(_plain(match.group()) if fold else match.group())
        elif kind == "sign":
            tokens.append(match.group())
        elif kind in ("value", "tag"):
            add_value(tokens)
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return tokens


def _plain(name: str) -> str:
    """A quoted name without its quotes where it reads the same without them."""
    inner = name[1:-1]
    return inner if _PLAIN.fullmatch(inner) and inner not in _RESERVED else name


def _lexed(text: str, system: str) -> Iterator[re.Match[str]]:
    """The lexer's matches, with nested comments passed over whole where they nest."""
    pattern = _MYSQL_TEXT if system in MYSQL else _STANDARD
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
    return token in (")", "]") or (bool(_LETTER_OR_QUOTE.match(token)) and token.lower() not in _KEYWORDS)


def joined(tokens: list[str]) -> str:
    parts: list[str] = []
    before = earlier = ""
    for token in tokens:
        if before and not _touch(earlier, before, token):
            parts.append(" ")
        parts.append(token)
        earlier, before = before, token
    return "".join(parts)


def _touch(earlier: str, before: str, token: str) -> bool:
    """Whether no space stands between two tokens: as SQL is usually set, and so that it reads back as the same tokens."""
    if token in (",", ")", "]", ";") or before in ("(", "["):
        return True
    if token in (".", "::", "["):
        return bool(_LETTER_OR_QUOTE.match(before)) or before in (")", "]")
    if before in (".", "::"):
        return bool(_LETTER_OR_QUOTE.match(token)) or (before == "." and token == "*")
    if token == "(":
        return before[0].isalpha() and before.lower() not in _KEYWORDS and earlier.lower() not in ("into", "as")
    return False
