"""Histories: what was recorded of commit after commit comes in; series of one metric with the commits that changed it go out.

A count is exact: each other number is a change. Seconds stray: where they changed is what a kernel change-point search finds
(ruptures, the extra `history`), as far as a rank test agrees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from math import log
from statistics import fmean, median
from typing import Final

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.budgets import COUNTED
from perfkit.model.gate import Baseline, CountKey, Counts, Point, Series

METRICS: Final = (*COUNTED, "cpu")
# A piece between two changes has so many commits at least; one beyond all others may be the machine's.
_SHORTEST = 4
# The search's price of one more change. With 3 a rise of 8 % is found in 98 of 100 rows of 50 commits that stray by 4 %, and in 1 of
# 100 rows that did not change something is.
_PENALTY = 3.0
_CHANCE = 0.001
_LEAST = 0.02


def series(records: Iterable[tuple[str, str, Baseline]], metric: str, units: str = "*") -> tuple[Series, ...]:
    """One a unit that `units` (a pattern) fits. Seconds are of the machine that recorded most. Raises PerfkitError (2)."""
    if metric not in METRICS:
        raise PerfkitError(f"there is no history of {metric}.", f"choose one of {', '.join(METRICS)}", USAGE)
    known = list(records)
    if metric == "cpu":
        machines = Counter(one.machine for _, _, one in known if one.cpu)
        known = [record for record in known if machines and record[2].machine == machines.most_common(1)[0][0]]
    names = {name for _, _, one in known for name in _units(one, metric) if name == units or fnmatchcase(name, units)}
    return tuple(_series(name, metric, known) for name in sorted(names))


def _units(one: Baseline, metric: str) -> Iterable[str]:
    return one.cpu if metric == "cpu" else {unit for counts in one.counts for unit in counts.repeats}


def _series(unit: str, metric: str, records: Sequence[tuple[str, str, Baseline]]) -> Series:
    points = [
        Point(commit, subject, value)
        for commit, subject, one in records
        if (value := _value(one, unit, metric)) is not None
    ]
    values = [point.value for point in points]
    return Series(unit, metric, tuple(points), tuple(shifts(values) if metric == "cpu" else steps(values)))


def _value(one: Baseline, unit: str, metric: str) -> float | None:
    if metric == "cpu":
        return one.cpu.get(unit)
    found = [_per_repeat(counts, CountKey(unit, metric)) for counts in one.counts if counts.repeats.get(unit)]  # type: ignore[arg-type]
    return fmean(found) if found else None


def _per_repeat(counts: Counts, key: CountKey) -> float:
    return counts.totals.get(key, 0) / counts.repeats[key.unit]


def steps(values: Sequence[float]) -> list[int]:
    return [at for at in range(1, len(values)) if values[at] != values[at - 1]]


def shifts(values: Sequence[float]) -> list[int]:
    """Raises PerfkitError (2) where ruptures is not installed."""
    if len(values) < 2 * _SHORTEST:
        return []
    try:
        import numpy
        import ruptures
        from scipy.stats import mannwhitneyu
    except ImportError:
        raise PerfkitError(
            "change points in seconds need the package ruptures.", "pip install 'perfkit[history]'", USAGE
        ) from None
    signal = numpy.array([log(max(value, 1e-9)) for value in values])
    search = ruptures.KernelCPD(kernel="rbf", min_size=_SHORTEST).fit(signal.reshape(-1, 1))
    found = []
    begin = 0
    ends = search.predict(pen=_PENALTY)
    for at, end in pairwise(ends):
        before, after = values[begin:at], values[at:end]
        chance = mannwhitneyu(before, after).pvalue
        if (
            chance < max(_CHANCE, _rarest(len(before), len(after)))
            and abs(median(after) / max(median(before), 1e-9) - 1) > _LEAST
        ):
            found.append(int(at))
            begin = at
    return found


def _rarest(before: int, after: int) -> float:
    """What the rank test can say at most of so few: that no value of one side is within the other."""
    from math import comb

    return 2.5 / comb(before + after, after)
