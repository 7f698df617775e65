"""Secrets out of command lines and URLs, before they are written anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/?#\s]+@", re.IGNORECASE)
_NAME = r"[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|auth|credential|private[_-]?key|dsn|cookie)[\w-]*"
_ASSIGNMENT = re.compile(rf"(?P<name>{_NAME})(?P<sep>[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s&;,]+)", re.IGNORECASE)
_FLAG = re.compile(rf"^--?{_NAME}$", re.IGNORECASE)
_HEADER = re.compile(r"\b(?P<scheme>bearer|basic)\s+\S+", re.IGNORECASE)

HIDDEN = "[redacted]"


def text(value: str) -> str:
    """`value` without the passwords of URLs, `name=value` pairs that look secret, and authorization headers."""
    value = _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", value)
    value = _HEADER.sub(rf"\g<scheme> {HIDDEN}", value)
    return _ASSIGNMENT.sub(rf"\g<name>\g<sep>{HIDDEN}", value)


def argv(words: Sequence[str]) -> str:
    """A command line as one string, each word redacted, and the word after a secret flag hidden whole."""
    from shlex import quote

    shown: list[str] = []
    hide_next = False
    for word in words:
        shown.append(HIDDEN if hide_next else quote(text(word)))
        hide_next = bool(_FLAG.match(word))
    return " ".join(shown)
