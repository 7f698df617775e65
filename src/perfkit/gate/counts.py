"""Counts: what two processes of each revision counted comes in; what grew, and what cannot be judged, goes out.

The two processes have different hash seeds. A total on which both agree is exact, and one more is one more, whatever the
machine did meanwhile. Where they differ it is flaky: shown by name, and judged by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfkit.model.finding import Place
from perfkit.model.gate import CountJudged, CountKey, Counts, CountStatus


def judge(baseline: Sequence[Counts], current: Sequence[Counts]) -> tuple[CountJudged, ...]:
    """Units that both revisions have. A statement that one of them does not run counts 0 there."""
    shared = _counted(baseline) & _counted(current)
    keys = {key for counts in (*baseline, *current) for key in counts.totals if key.unit in shared}
    places = {key: place for counts in (*baseline, *current) for key, place in counts.places.items()}
    return tuple(
        _judged(
            key,
            _each(key, baseline),
            _each(key, current),
            places.get(key),
        )
        for key in sorted(keys, key=lambda key: (key.unit, key.what, key.name))
    )


def units(side: Iterable[Counts]) -> frozenset[str]:
    return frozenset(unit for counts in side for unit in counts.repeats)


def _counted(side: Iterable[Counts]) -> frozenset[str]:
    return frozenset(unit for counts in side for unit, repeats in counts.repeats.items() if repeats)


def _each(key: CountKey, side: Sequence[Counts]) -> list[float]:
    """One a process. Where there are several workers, one may have had too few requests to count any: the others stand for it."""
    found = [counts.totals.get(key, 0) / repeats for counts in side if (repeats := counts.repeats.get(key.unit, 0))]
    return (found * len(side))[: len(side)]


def _judged(key: CountKey, before: list[float], after: list[float], where: Place | None) -> CountJudged:
    if len(set(before)) > 1 or len(set(after)) > 1:
        return CountJudged(key, "flaky", _mean(before), _mean(after), (*before, *after), where)
    status: CountStatus = "same" if before[0] == after[0] else "more" if after[0] > before[0] else "less"
    return CountJudged(key, status, before[0], after[0], (), where)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
