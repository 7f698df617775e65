"""The verdict: what was counted and timed, and the budgets, come in; pass, fail or inconclusive goes out, with every reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfkit.gate import budgets
from perfkit.gate.count_verdict import counts as counts
from perfkit.gate.levels import Level
from perfkit.model.gate import Answer, Breach, Budget, TimeJudged, Undecided
from perfkit.shared import units as shown

_UNLESS_TOLD = {"cpu": "+2%", "wall": "+5%"}


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
