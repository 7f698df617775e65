"""Reports room: a database's log comes in, the few lines that tell what it holds go out: how much, when, by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from perfkit.model.sqllog import Histogram, SqlLog
from perfkit.shared import units

_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 40
_NAMES = 3


def facts(log: SqlLog) -> list[str]:
    """`209 MB`, `postgres-stderr`, `512,214 executions of 53 statements`."""
    size = sum(size for _, size in log.files)
    parts = [units.size(size)] if size else []
    parts += [", ".join(log.formats)] if log.formats else []
    return [*parts, f"{units.plural(log.events, 'execution')} of {units.plural(len(log.digests), 'statement')}"]


def over_time(log: SqlLog) -> str:
    """`21 Nov 10:00 ▁▂▅█▃ 11:40 UTC, most 4.1 s at 10:23`; empty where the log is of less than two minutes."""
    found = log.over_time
    if len(found.counts) < 2:
        return ""
    timed = any(found.micros.values())
    values = {bucket: found.micros.get(bucket, 0) if timed else count for bucket, count in found.counts.items()}
    first, last = min(values), max(values)
    peak = max(values, key=lambda bucket: (values[bucket], -bucket))
    amount = units.seconds(values[peak] / 1e6) if timed else units.plural(values[peak], "execution")
    line = f"{_moment(first, found)} {_bars(values, first, last)} {_moment(last + 1, found)} UTC"
    return f"{line}, most {amount} at {_moment(peak, found)}"


def _moment(bucket: int, found: Histogram) -> str:
    return datetime.fromtimestamp(bucket * found.width, UTC).strftime("%d %b %H:%M")


def _bars(values: dict[int, int], first: int, last: int) -> str:
    step = -(-(last - first + 1) // _WIDEST)
    sums: Counter[int] = Counter()
    for bucket, value in values.items():
        sums[(bucket - first) // step] += value
    most = max(sums.values()) or 1
    columns = (last - first) // step + 1
    return "".join(_BARS[-(-sums[column] * (len(_BARS) - 1) // most)] for column in range(columns))


def who(log: SqlLog) -> Iterator[str]:
    """`users web 93%, admin 7%`; what all executions have in common is not worth a word."""
    for title, name in (
        ("users", "users"),
        ("databases", "databases"),
        ("applications", "applications"),
        ("hosts", "hosts"),
    ):
        counts: Counter[str] = Counter()
        for digest in log.digests.values():
            counts.update(getattr(digest, name))
        if len(counts) > 1:
            shown = [f"{value} {_part(count, log.events)}" for value, count in counts.most_common(_NAMES)]
            more = f" and {len(counts) - _NAMES} more" if len(counts) > _NAMES else ""
            yield f"{title} {', '.join(shown)}{more}"


def _part(count: int, events: int) -> str:
    share = count / max(1, events)
    return units.share(share) if share >= 0.0005 else "under 0.1%"
