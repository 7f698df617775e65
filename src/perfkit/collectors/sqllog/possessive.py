"""A group repeated possessively, on every Python: up to 3.11.4, `(?:…)*+` goes on behind what its last round had read that failed
(https://github.com/python/cpython/issues/106052). Then an atomic group does the same, in more time."""

from __future__ import annotations

import sys

_SOUND = sys.version_info >= (3, 11, 5)


def possessive(body: bytes, times: bytes = b"*") -> bytes:
    """What matches `body` as often as it can, and never gives one of them back."""
    return b"(?:%s)%s+" % (body, times) if _SOUND else b"(?>(?:%s)%s)" % (body, times)
