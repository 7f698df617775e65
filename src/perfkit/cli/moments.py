"""Times as people write them on a command line: a word comes in, seconds since the epoch go out."""

from __future__ import annotations

import re
import time
from datetime import datetime

from perfkit.errors import USAGE, PerfkitError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)")
_UNIT = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def moment(flag: str, word: str | None, now: float | None = None) -> float | None:
    """`2h` and the like are before now; dates without a zone are of this machine's. Raises PerfkitError (2)."""
    if word is None:
        return None
    ago = _AGO.fullmatch(word.strip())
    if ago:
        return (time.time() if now is None else now) - float(ago[1]) * _UNIT[ago[2]]
    try:
        return datetime.fromisoformat(word.strip()).timestamp()
    except (ValueError, OverflowError):
        hint = "write 2026-11-21T10:00, 2026-11-21 10:00:00+01:00, or how long ago: 30m, 2h, 1d"
        raise PerfkitError(f"{flag} {word} is no time.", hint, USAGE) from None
