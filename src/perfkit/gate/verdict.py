"""The verdict: what was counted and timed, and the budgets, come in; pass, fail or inconclusive goes out, with every reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfkit.gate import budgets
from perfkit.gate.levels import Level
from perfkit.model.gate import WHOLE, Answer, Breach, Budget, CountJudged, TimeJudged, Undecided
from perfkit.shared import units as shown

# What differs between two processes of one revision is judged only where all of one side are this far above the other.
_FUZZY = 1.10
_UNLESS_TOLD = {"cpu": "+2%", "wall": "+5%"}
_DOES = {"queries": "runs", "rows": "fetches", "connections": "opens", "commits": "makes", "imports": "does"}


def counts(judged: Iterable[CountJudged], limits: Sequence[Budget]) -> tuple[list[Breach], list[Undecided]]:
    breaches: list[Breach] = []
    undecided: list[Undecided] = []
    by_unit: dict[str, list[CountJudged]] = {}
    for one in judged:
        by_unit.setdefault(one.key.unit, []).append(one)
    for unit, all_of_it in by_unit.items():
        for one in all_of_it:
            limit = budgets.of_unit(limits, unit, one.key.what)
            if limit is None or one.key.name:
                continue
            if one.status == "flaky" and not _surely_more(one):
                undecided.append(
                    Undecided(unit, one.key.what, f"differs between two runs of one revision: {_list(one.spread)}")
                )
            elif one.current > (one.baseline + limit.limit if limit.relative else limit.limit) + 1e-9:
                breaches.append(_counted(one, limit, all_of_it))
    return breaches, undecided


def _surely_more(one: CountJudged) -> bool:
    half = len(one.spread) // 2
    before, after = one.spread[:half], one.spread[half:]
    return min(after) > max(before) * _FUZZY


def _counted(one: CountJudged, limit: Budget, of_unit: Sequence[CountJudged]) -> Breach:
    unit, what = one.key.unit, one.key.what
    grown = _largest_growth(of_unit) if what == "queries" else None
    return Breach(
        unit=unit,
        metric=what,
        title=f"{unit} {_DOES[what]} {_number(one.current)} {what}{_per(unit)}, was {_number(one.baseline)}",
        budget=limit.text,
        baseline=one.baseline,
        current=one.current,
        key=f"{unit} {what}",
        why=_grown(grown) if grown else None,
        where=grown.where if grown else one.where,
    )


def _largest_growth(of_unit: Sequence[CountJudged]) -> CountJudged | None:
    grown = [one for one in of_unit if one.key.what == "statement" and one.current > one.baseline]
    return max(grown, key=lambda one: one.current - one.baseline, default=None)


def _grown(one: CountJudged) -> str:
    text = " ".join(one.key.name.split())
    statement = text if len(text) <= 120 else text[:119] + "…"
    if not one.baseline:
        return f"{_times(one.current)}{_per(one.key.unit)}, and not run before: {statement}"
    return f"{_times(one.current)}{_per(one.key.unit)}, {_times(one.baseline)} before: {statement}"


def times(judged: Iterable[TimeJudged], limits: Sequence[Budget]) -> tuple[list[Breach], list[Undecided]]:
    """Of CPU and wall time. What is unknown of wall time decides nothing unless a budget names it."""
    breaches: list[Breach] = []
    undecided: list[Undecided] = []
    cpu_slower = set()
    for one in sorted(judged, key=lambda one: one.clock):  # cpu before wall
        limit = budgets.of_unit(limits, one.unit, one.clock)
        if one.status == "slower" and one.unit not in cpu_slower:
            cpu_slower.add(one.unit)
            breaches.append(_slower(one, limit))
        elif one.status == "unknown" and (one.clock == "cpu" or limit is not None):
            undecided.append(
                Undecided(
                    one.unit,
                    one.clock,
                    f"{shown.change(one.change)}, between {shown.change(one.low)} and {shown.change(one.high)}: {one.pairs} pairs"
                    f" on this machine see {shown.change(one.sees)} or more",
                )
            )
    return breaches, undecided


def _slower(one: TimeJudged, limit: Budget | None) -> Breach:
    clock = "CPU time" if one.clock == "cpu" else "time"
    return Breach(
        unit=one.unit,
        metric=one.clock,
        title=f"{one.unit} takes {shown.share(one.change)} more {clock}: {shown.seconds(one.baseline)} → {shown.seconds(one.current)}",
        budget=limit.text if limit else _UNLESS_TOLD[one.clock],
        baseline=one.baseline,
        current=one.current,
        key=f"{one.unit} {one.clock}",
    )


def levels(found: Iterable[Level], limits: Sequence[Budget]) -> tuple[list[Breach], list[Undecided]]:
    """Of percentiles and peaks, which only budgets ask for."""
    breaches: list[Breach] = []
    undecided: list[Undecided] = []
    for level in found:
        limit = budgets.of_unit(limits, level.unit, level.metric)
        if limit is None:
            continue
        low, high = (level.change_low, level.change_high) if limit.relative else (level.low, level.high)
        if low > limit.limit:
            breaches.append(_above(level, limit))
        elif high > limit.limit:
            undecided.append(
                Undecided(level.unit, level.metric, f"{level.told()} is too close to {limit.text} to tell")
            )
    return breaches, undecided


def _above(level: Level, limit: Budget) -> Breach:
    name = level.metric.replace("_", " ")
    return Breach(
        unit=level.unit,
        metric=level.metric,
        title=f"{name} of {level.unit} is {level.told()}, was {level.told_before()}",
        budget=limit.text,
        baseline=level.baseline,
        current=level.current,
        key=f"{level.unit} {level.metric}",
    )


def answer(breaches: Sequence[Breach], undecided: Sequence[Undecided]) -> Answer:
    """A count that is flaky is quarantined, by name; a time that is unknown leaves the whole without an answer."""
    if breaches:
        return "fail"
    return "inconclusive" if any(one.metric not in budgets.COUNTED for one in undecided) else "pass"


def _per(unit: str) -> str:
    return "" if unit == WHOLE else " per request"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _times(value: float) -> str:
    return "once" if value == 1 else f"{_number(value)} times"


def _list(values: Sequence[float]) -> str:
    return ", ".join(_number(value) for value in values)
