"""PostgreSQL's log by way of syslog: lines of RFC 3164 and RFC 5424 come in, records as on stderr go out.

`postgres[123]: [5-2] text` is the second part of a process's fifth record (PostgreSQL's documentation, 19.8.1, syslog_sequence_numbers).
Parts are lines of the record, or pieces of a line that was too long. Parts of different processes may stand between each other.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from perfkit.collectors.sqllog.postgres_carried import CarriedReader
from perfkit.collectors.sqllog.postgres_guess import LATER, SEVERITIES

_LINE = re.compile(
    rb"^(?:<\d{1,3}>(?:1 )?)?"
    rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) "
    rb"(?:[^\s\[\]]{1,255} )?([^\s\[\]:]{1,64})(?:\[(\d+)\]: ?| (\d+) [^\s]{1,64} (?:-|\[[^\]\n]*\]) )"
    rb"(?:\[(\d+)(?:-(\d+))?\] )?([^\n]*)\n?|^([^\n]+\n?|\n)",
    re.MULTILINE,
)
_SEVERITY = re.compile(rb"[^\n]{0,400}?%b:  " % SEVERITIES)
_LATER = re.compile(rb"[^\n\t]{0,400}?%b:  " % LATER)
_OCTAL = re.compile(rb"#0([0-3][0-7])")
# A process writes the parts of a record at once: after so many other lines nothing more of it will come.
_PATIENCE = 1_000


class SyslogUnpacker:
    prefix = "%m [%p] "

    def __init__(self) -> None:
        self.lost: list[bytes] = []
        self._line = 0
        # Of each process: the last line's number, and its record so far in pieces.
        self._open: dict[bytes, tuple[int, list[bytes]]] = {}

    def take(self, block: bytes) -> bytes:
        records: list[bytes] = []
        for time, _, pid, other_pid, _, part, text, junk in _LINE.findall(block):
            self._line += 1
            process = pid or other_pid
            if junk:
                self.lost += [junk] if junk.strip() else []
            elif process:
                self._add(records, b"%b [%b] " % (_moment(time), process), process, part, _plain(text.rstrip(b"\r")))
        old = self._line - _PATIENCE
        for process in [process for process, (last, _) in self._open.items() if last < old]:
            records += [*self._open.pop(process)[1], b"\n"]
        return b"".join(records)

    def rest(self) -> bytes:
        records = [piece for _, pieces in self._open.values() for piece in (*pieces, b"\n")]
        self._open.clear()
        return b"".join(records)

    def _add(self, records: list[bytes], mark: bytes, process: bytes, part: bytes, text: bytes) -> None:
        begins = part == b"1" if part else _SEVERITY.match(text) is not None
        # A message that was not split has its further lines in itself.
        first, *further = text.split(b"\n")
        _, pieces = self._open.pop(process, (0, []))
        if begins:
            records += [*pieces, b"\n"] if pieces else []
            pieces = [mark, first]
        elif not pieces:
            return  # the rest of a record whose beginning was before this log
        elif first.startswith(b"\t"):
            pieces += [b"\n", first]
        elif _LATER.match(first):
            pieces += [b"\n", mark, first]
        else:
            pieces.append(first)
        for line in further:
            pieces += [b"\n", b"" if line.startswith(b"\t") else mark if _LATER.match(line) else b"\t", line]
        self._open[process] = (self._line, pieces)


class SyslogFormat:
    name = "postgres-syslog"

    def fits(self, head: bytes) -> float:
        """Of the lines that end in `head`; other programs may write between them."""
        found = _LINE.findall(head[: head.rfind(b"\n") + 1] or head)
        ours = sum(1 for *_, number, _, text, junk in found if not junk and (number or _SEVERITY.match(text)))
        lines = [line for line in found if not line[-1] or line[-1].strip()]
        if not ours or not any(_SEVERITY.match(line[6]) for line in lines):
            return 0.0
        return sum(1 for line in lines if not line[-1]) / len(lines)

    def reader(self, head: bytes, prefix: str | None) -> CarriedReader:
        return CarriedReader(SyslogUnpacker(), head, prefix)


def _plain(text: bytes) -> bytes:
    """Control characters as they were before syslog escaped them."""
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), text) if b"#0" in text else text


@lru_cache(4096)
def _moment(time: bytes) -> bytes:
    """As %m writes it. Without a year it was in the last twelve months; clocks may be a day ahead of ours, or of UTC."""
    text = time.decode("ascii", "replace").replace(",", ".")
    try:
        if text[:1].isdigit():
            at = datetime.fromisoformat(text[:26] + "+00:00" if len(text) < 20 else text)
        else:
            at = _last(datetime.strptime(f"2000 {text}", "%Y %b %d %H:%M:%S"))
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    at = at.astimezone(UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S").encode() + b".%03d UTC" % (at.microsecond // 1000)


def _last(at: datetime) -> datetime:
    now = datetime.now(UTC)
    for year in range(now.year, now.year - 9, -1):
        with suppress(ValueError):  # a 29th of February
            if (this := at.replace(year=year, tzinfo=UTC)) <= now + timedelta(days=1):
                return this
    raise ValueError(at)


FORMAT = SyslogFormat()
