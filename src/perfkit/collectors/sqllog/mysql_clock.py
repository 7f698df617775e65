"""Times and sessions of MySQL's logs: raw pieces of a log come in, seconds since the epoch and a `Session` go out."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from perfkit.model.sqllog import Session

_LOCAL = re.compile(rb"(\d\d)(\d\d)(\d\d) +(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?\Z")
_CALIBRATION = re.compile(
    rb"# Time: (\d{6} +\d{1,2}:\d\d:\d\d)[^\n]*\n(?:#[^\n]*\n){1,20}(?:use [^\n]*;\n)?SET [^\n]*?timestamp=(\d{1,11})"
)
_USER = re.compile(rb"(?P<user>[^\[\n]*)\[(?P<account>[^\]\n]*)\] @ (?P<host>[^\[\n]*?) ?\[(?P<address>[^\]\n]*)\]")
_SCHEMA = re.compile(rb"Schema: ([^\n]+)\Z")
_THREAD = re.compile(rb"(?:Id|Thread_id): +(\d+)")


def epoch(time: bytes, zone: float = 0.0) -> float | None:
    """`SET timestamp`'s number, an ISO time (in UTC unless it says otherwise), or `230101  9:05:01` of a clock that is `zone`
    seconds ahead of UTC. The minute alone will do. None of anything else."""
    if time.isdigit():
        return float(time) if len(time) <= 11 else None
    try:
        if found := _LOCAL.match(time):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC).timestamp() - zone
        moment = datetime.fromisoformat(time.decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def minute(time: bytes) -> bytes:
    """What `epoch` takes too: the minute that a piece lies in."""
    if time.isdigit():
        return b"%d" % (int(time) // 60 * 60) if len(time) <= 11 else time
    if time[10:11] in (b"T", b" ") and time[16:17] == b":":
        zone = re.search(rb"(?:Z|[+-]\d\d:?\d\d)\Z", time)
        return time[:16] + (zone[0] if zone else b"")
    return time.rpartition(b":")[0] if time.count(b":") == 2 else time


class Minutes(dict[bytes, bytes]):
    """The minutes of times that were asked for, so that many events with few times between them cost a look-up each."""

    def __missing__(self, time: bytes) -> bytes:
        if len(self) > 10_000:
            self.clear()
        self[time] = found = minute(time)
        return found


def zone(head: bytes) -> float:
    """How many seconds the clock of `# Time: 230101  9:05:01` is ahead of UTC, by the first record that has both times."""
    found = _CALIBRATION.search(head)
    local, stamp = (epoch(found[1]), epoch(found[2])) if found else (None, None)
    if local is None or stamp is None or abs(local - stamp) > 15 * 3600:
        return 0.0
    return round((local - stamp) / 900) * 900.0


def session(piece: bytes) -> Session:
    """Of `user[account] @ host [address]  Id: 8`, then perhaps `# Thread_id: 8  Schema: name` on a line of its own."""
    user, schema = _USER.match(piece), _SCHEMA.search(piece)
    database = _text(schema[1]) if schema else ""
    if user is None:
        return Session(database=database)
    return Session(
        user=_text(user["user"]) or _text(user["account"]),
        database=database,
        host=_text(user["host"]) or _text(user["address"]),
    )


def connection(piece: bytes) -> bytes:
    """The number of the connection, the last that such a piece has; empty where it has none."""
    found = _THREAD.findall(piece)
    return found[-1] if found else b""


def _text(name: bytes) -> str:
    return name.strip().decode("utf-8", "replace")
