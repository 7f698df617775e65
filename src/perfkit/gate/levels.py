"""Levels: percentiles and peaks of both revisions, with intervals, for the budgets that name them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from perfkit.shared import units

_RESAMPLES = 500
_PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Level:
    """Seconds or bytes; `low` to `high` holds the current one, `change_low` to `change_high` its share above the baseline, both
    at 99 %."""

    unit: str
    metric: str
    baseline: float
    current: float
    low: float
    high: float
    change_low: float
    change_high: float

    def told(self) -> str:
        return _told(self.metric)(self.current)

    def told_before(self) -> str:
        return _told(self.metric)(self.baseline)


def _told(metric: str) -> Callable[[float], str]:
    return (lambda value: units.size(int(value))) if metric == "rss_peak" else units.seconds


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered), max(1, ceil(share * len(ordered)))) - 1]


def of_waits(unit: str, pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[Level]:
    """p50, p95 and p99 of single requests. Turns are resampled as pairs: requests of one turn are alike."""
    before, after = _together(pairs)
    shaken = random.Random(1)
    resampled = [_together(shaken.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLES)]
    return [_level(unit, metric, share, before, after, resampled) for metric, share in _PERCENTILES.items()]


def _level(
    unit: str,
    metric: str,
    share: float,
    before: Sequence[float],
    after: Sequence[float],
    resampled: Sequence[tuple[list[float], list[float]]],
) -> Level:
    currents = sorted(percentile(after, share) for _, after in resampled)
    changes = sorted(percentile(after, share) / percentile(before, share) - 1 for before, after in resampled)
    edge = _RESAMPLES // 200
    return Level(
        unit,
        metric,
        percentile(before, share),
        percentile(after, share),
        currents[edge],
        currents[-1 - edge],
        changes[edge],
        changes[-1 - edge],
    )


def of_peaks(unit: str, before: Sequence[int], after: Sequence[int]) -> Level:
    """`rss_peak` of the processes that ran each side: all of one side must be above for it to be above."""
    return Level(
        unit,
        "rss_peak",
        max(before),
        max(after),
        min(after),
        max(after),
        min(after) / max(before) - 1,
        max(after) / min(before) - 1,
    )


def _together(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[list[float], list[float]]:
    return [wait for before, _ in pairs for wait in before], [wait for _, after in pairs for wait in after]
