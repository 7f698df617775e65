"""Times of PostgreSQL's logs: raw pieces come in, seconds since the epoch go out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

# `2026-11-21 20:06:26.354 CET`, also without seconds; numbers of the epoch (%n). What a zone's name means is PostgreSQL's
# `timezonesets/Default`, as far as a server in one of these zones would log it.
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s?(.*)\Z", re.DOTALL)
_SECONDS = re.compile(rb"[0-5]\d(?:\.\d{1,6})?")
_MOST_MINUTES = 10_000
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d\d))?(?::?\d\d)?\Z")
_ZONES = {
    "WEST": 1, "CET": 1, "BST": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "SAST": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "PKT": 5,
    "WIB": 7, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "ACDT": 10.5, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "BRT": -3, "ADT": -3, "AST": -4, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7,
    "PST": -8, "AKDT": -8, "AKST": -9, "HST": -10,
}  # fmt: skip


class Clock:
    """The times of one log, of which many are of the same minute."""

    def __init__(self) -> None:
        self._minutes: dict[bytes, float] = {}

    def epoch(self, time: bytes) -> float | None:
        """As `epoch` says."""
        seconds = time[17:].partition(b" ")[0]
        minute = time[:17] + b"00" + time[17 + len(seconds) :]
        begun = self._minutes.get(minute)
        if begun is None or not _SECONDS.fullmatch(seconds):
            found = epoch(minute) if _SECONDS.fullmatch(seconds) else None
            if found is None or len(self._minutes) > _MOST_MINUTES:
                return epoch(time)
            begun = self._minutes[minute] = found
        return begun + float(seconds)


def epoch(time: bytes) -> float | None:
    """A zone that nobody knows, and none at all, count as UTC. None of what is no time."""
    text = time.decode("ascii", "replace")
    found = _TIME.match(text)
    try:
        if found is None:
            return float(text) if re.fullmatch(r"\d{9,11}(\.\d{1,6})?", text) else None
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        micros = int((found[7] or "").ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, micros, tzinfo=_zone(found[8].strip())).timestamp()
    except (ValueError, OverflowError):
        return None


def _zone(name: str) -> timezone:
    if found := _OFFSET.match(name):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        # A POSIX zone's own name has the other sign, but what %m prints is the offset of ISO 8601: +03 is east.
        return timezone(ahead if found[1] == "+" else -ahead) if ahead < timedelta(hours=24) else UTC
    return timezone(timedelta(hours=_ZONES[name])) if name in _ZONES else UTC
