"""The format of a log: its first bytes come in, the format that understands most of them goes out."""

from __future__ import annotations

from perfkit.collectors.sqllog import LOG_FORMATS
from perfkit.collectors.sqllog.interface import LogFormat
from perfkit.errors import PerfkitError

_ENOUGH = 0.3
_SURE = 0.985


def format_of(head: bytes, name: str | None, source: str) -> LogFormat:
    """`name` is that of the command line. Raises PerfkitError where none fits."""
    if name is not None:
        return LOG_FORMATS.load(name)
    best, share, guess = None, 0.0, ""
    for candidate in LOG_FORMATS:
        found = LOG_FORMATS.load(candidate)
        fits = found.fits(head)
        if fits > share:
            best, share, guess = found, fits, candidate
        if share >= _SURE:
            break
    if best is None or share < _ENOUGH:
        raise nothing_understood(source, guess)
    return best


def nothing_understood(source: str, guess: str) -> PerfkitError:
    nearest = f"; the nearest is {guess}" if guess else ""
    return PerfkitError(
        f"no log format fits {source}{nearest}.",
        "say which with --log-format, and PostgreSQL's log_line_prefix with --prefix",
    )
