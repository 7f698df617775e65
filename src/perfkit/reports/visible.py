"""Reports room: untrusted text comes in, text without control characters goes out.

Terminal escapes, newlines, bidirectional overrides and lone surrogates are shown as Python writes them (`\\x1b`).
"""

from __future__ import annotations

_ASCII = str.maketrans({"−": "-", "–": "-", "—": "-", "×": "x", "·": "-", "…": "...", "→": "->", "’": "'", "±": "+/-"})


def visible(text: str) -> str:
    """One line of printable characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def ascii_only(text: str) -> str:
    """As `visible`, for terminals that show ASCII: our typography is spelled out, the rest is escaped."""
    return visible(text).translate(_ASCII).encode("ascii", "backslashreplace").decode()
