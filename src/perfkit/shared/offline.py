"""What a browser would fetch from elsewhere while it shows a page."""

from __future__ import annotations

import re

# Links that a reader clicks (<a href>) are no fetches.
_FETCHED = re.compile(
    r"""<(?!a\b)[a-z]+\b[^>]*?\s(?:src|href|action|data|poster)\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|url\(\s*["']?((?:https?:)?//[^"')\s]+)|@import\s+["']([^"']+)""",
    re.IGNORECASE,
)


def fetched(html: str) -> list[str]:
    """The addresses, in order. A page that sends for data by script is not seen through: its policy must forbid that."""
    return [next(filter(None, found)) for found in _FETCHED.findall(html)]
