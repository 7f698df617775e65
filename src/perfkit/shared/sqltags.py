"""What a program wrote about itself into the comments of a statement: controller, route, trace.

In comes a statement, out come names and values. Two forms: sqlcommenter's `/*route='%2Forders',db_driver='psycopg'*/`
(google.github.io/sqlcommenter/spec: values and names URL-encoded, in single quotes, with `\\'` for a quote) and that of Rails' and
marginalia's `/*application:shop,controller:orders*/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

_MOST, _LONGEST = 8, 4_096  # comments on each side, characters of one; longer ones are no tags
_SQLCOMMENTER = re.compile(r"\s*([^\s=',:]+)='((?:[^'\\]|\\.|'')*+)'\s*(?:,|\Z)", re.DOTALL)
_MARGINALIA = re.compile(r"\s*([a-z_][\w.\-]*):(?!//|\s)([^,]*)(?:,|\Z)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def tags(text: str) -> dict[str, str]:
    """Names and values of the comments before and after a statement that hold nothing but tags; empty without such comments.

    Of a name that comes twice the last value counts. At most eight comments on each side are read, each of 4,096 characters.
    """
    if "/*" not in text:
        return {}
    found: dict[str, str] = {}
    for comment in (*_leading(text), *reversed([*_trailing(text)])):
        found.update(_tags_of(comment))
    return found


def _leading(text: str) -> Iterator[str]:
    at = 0
    for _ in range(_MOST):
        at += len(text[at : at + _LONGEST]) - len(text[at : at + _LONGEST].lstrip())
        end = text.find("*/", at + 2, at + _LONGEST) + 2
        if not text.startswith("/*", at) or end < 2:
            return
        yield text[at:end]
        at = end


def _trailing(text: str) -> Iterator[str]:
    end = len(text)
    for _ in range(_MOST):
        end = len(text[max(end - _LONGEST, 0) : end].rstrip(" \t\r\n;")) + max(end - _LONGEST, 0)
        start = text.rfind("/*", max(end - _LONGEST, 0), end)
        if start < 0 or not text.endswith("*/", start + 2, end):
            return
        yield text[start:end]
        end = start


def _tags_of(comment: str) -> dict[str, str]:
    inner = comment[2:-2].strip()
    if (pairs := _pairs(_SQLCOMMENTER, inner)) is not None:
        return {unquote(name): unquote(_ESCAPED.sub(r"\1", value).replace("''", "'")) for name, value in pairs}
    return {name: value.strip() for name, value in _pairs(_MARGINALIA, inner) or ()}


def _pairs(pattern: re.Pattern[str], inner: str) -> list[tuple[str, str]] | None:
    """What `pattern` finds one after the other; None unless it reads all of `inner`."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(inner):
        match = pattern.match(inner, at)
        if not match:
            return None
        pairs.append((match[1], match[2]))
        at = match.end()
    return pairs
