"""What the logs of Django and SQLAlchemy share: lines with whatever prefix a logging.Formatter wrote. Bytes come in; what begins a
log's lines, times, and the database's system go out."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UTC_REMARK = "The log's times name no zone: they are taken as UTC."
_TIME = re.compile(
    rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?|\d\d/[A-Z][a-z]{2}/\d{4}[ :]\d\d:\d\d:\d\d"
)
_LEVEL = re.compile(rb"(\[?)(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b([^\w\n]?)")
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_SYSTEMS = (
    ("mysql", re.compile(rb"[ (.,]`\w+`[ .,)=]|SELECT @@|SHOW VARIABLES")),
    ("sqlite", re.compile(rb"\bPRAGMA |\bsqlite_(?:master|schema)\b|AUTOINCREMENT")),
    ("postgresql", re.compile(rb"::[A-Za-z]|\bpg_catalog\b|\bILIKE\b|\$1\b|current_schema\(\)")),
)


def opening(prefix: bytes) -> re.Pattern[bytes] | None:
    """What all lines of a log begin with of which one has this prefix; None where that is too little to tell them from SQL."""
    if level := _LEVEL.match(prefix):
        words = rb"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b"
        return re.compile(re.escape(level[1]) + words + re.escape(level[2]))
    begin = prefix[:10]
    if len(begin) < 4 or not re.search(rb"[\d\[<{]", begin):
        return None
    return re.compile(b"".join(_class(begin[at : at + 1]) for at in range(len(begin))))


def _class(character: bytes) -> bytes:
    return rb"\d" if character.isdigit() else rb"[A-Za-z]" if character.isalpha() else re.escape(character)


def time(prefix: bytes) -> bytes:
    """The piece of a prefix that is a time, empty where there is none."""
    found = _TIME.search(prefix)
    return found[0] if found else b""


def epoch(piece: bytes) -> float | None:
    """Of such a piece, or of its minute. Without a zone it is taken as UTC."""
    try:
        if piece[2:3] == b"/":
            day, month, rest = piece[:2], _MONTHS.index(piece[3:6]) + 1, piece[7:]
            hours, minutes, seconds = (int(part) for part in (rest[5:] + b":00").split(b":")[:3])
            return datetime(int(rest[:4]), month, int(day), hours, minutes, seconds, tzinfo=UTC).timestamp()
        moment = datetime.fromisoformat(piece.replace(b",", b".").decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def minute(piece: bytes) -> bytes:
    if piece[2:3] == b"/":
        return piece[:17]
    zone = re.search(rb"(?:Z|[+-]\d\d:?\d\d)\Z", piece[16:])
    return piece[:16] + (zone[0] if zone else b"")


def system(head: bytes) -> str:
    """By words and quotes that only one of them has; empty where there are none."""
    counts = {name: len(pattern.findall(head)) for name, pattern in _SYSTEMS}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""
