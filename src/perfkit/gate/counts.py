"""Counts: what two processes of each revision counted comes in; what grew, and what cannot be judged, goes out.

The two processes have different hash seeds. A total on which both agree is exact, and one more is one more, whatever the
machine did meanwhile. Where they differ it is flaky: shown by name, and judged by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from perfkit.gate import named_budgets
from perfkit.model.finding import Place
from perfkit.model.gate import Budget, CountJudged, CountKey, Counts, CountStatus

CALLS = ("calls", "call")
EVERY_PROGRAM = (*CALLS, "imports", "import")
# Names of which there are hundreds.
_MANY = ("call", "import")


def judge(
    baseline: Sequence[Counts], current: Sequence[Counts], limits: Iterable[Budget] = ()
) -> tuple[CountJudged, ...]:
    """Units that both revisions have. A statement that one of them does not run counts 0 there. Of functions and
    modules, which are many, only those that are called or imported more or less often, and those for which there are `limits`."""
    shared = _counted(baseline) & _counted(current)
    keys = {key for key in keys_of((*baseline, *current)) if key.unit in shared}
    if not all(any(key.what in CALLS for key in keys_of(side)) for side in (baseline, current)):
        keys = {key for key in keys if key.what not in CALLS}  # one side could not count them, which is not 0
    limited = named_budgets.of_names(limits, keys)
    places = {key: place for counts in (*baseline, *current) for key, place in counts.places.items()}
    judged = (
        _judged(key, _each(key, baseline), _each(key, current), places.get(key))
        for key in sorted(keys, key=lambda key: (key.unit, key.what, key.name))
    )
    return tuple(
        one
        for one in judged
        if one.key.what not in _MANY or one.status != "same" or (one.key.what, one.key.name) in limited
    )


def keys_of(sides: Iterable[Counts]) -> Iterator[CountKey]:
    for counts in sides:
        yield from counts.totals


def shows_anything(judged: Iterable[CountJudged], limits: Sequence[Budget]) -> bool:
    """Whether any of it may decide something. Every program imports and calls functions: that it is no more says little of it."""
    named = {budget.metric for budget in limits}
    return any(one.key.what not in EVERY_PROGRAM for one in judged) or not named.isdisjoint(EVERY_PROGRAM)


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
