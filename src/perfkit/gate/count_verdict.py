"""Counts in the verdict: what was counted of both sides, and the budgets, come in; breaches with their reasons go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from perfkit.gate import budgets
from perfkit.gate.named_budgets import of_names
from perfkit.model.gate import Breach, Budget, Counted, CountJudged, Undecided, grown_calls, per

# What differs between two processes of one revision is judged only where all of one side are this far above the other.
_FUZZY: Final = 1.10
_DOES: Final = {
    "queries": "runs",
    "rows": "fetches",
    "connections": "opens",
    "commits": "makes",
    "imports": "does",
    "external": "sends",
    "calls": "makes",
}
_CALLED: Final = {"external": "requests to other services", "calls": "calls of functions"}
# What is told of one function, statement or host: how often the unit does what.
_NAMED_DOES: Final = {"call": "calls", "statement": "runs", "host": "asks"}
# What a count is the sum of.
_PARTS: Final[Mapping[str, Counted]] = {"queries": "statement", "external": "host"}
# So many functions are named as what explains a breach.
_MOST: Final = 3


def counts(judged: Iterable[CountJudged], limits: Sequence[Budget]) -> tuple[list[Breach], list[Undecided]]:
    breaches: list[Breach] = []
    undecided: list[Undecided] = []
    by_unit: dict[str, list[CountJudged]] = {}
    for one in judged:
        by_unit.setdefault(one.key.unit, []).append(one)
    named = of_names(limits, [one.key for of_it in by_unit.values() for one in of_it])
    for unit, all_of_it in by_unit.items():
        for one in all_of_it:
            key = one.key
            limit = named.get((key.what, key.name)) if key.name else budgets.of_unit(limits, unit, key.what)
            if limit is None:
                continue
            if one.status == "flaky" and not _surely_more(one):
                of = f"of {_short(key.name)}, " if key.name else ""
                reason = f"{of}differs between two runs of one revision: {_list(one.spread)}"
                undecided.append(Undecided(unit, limit.metric, reason))
            elif one.current > _allowed(one, limit) + 1e-9:
                breaches.append(_named(one, limit) if key.name else _counted(one, limit, all_of_it))
    return breaches, undecided


def _allowed(one: CountJudged, limit: Budget) -> float:
    if limit.share:
        return one.baseline * (1 + limit.limit)
    return one.baseline + limit.limit if limit.relative else limit.limit


def _surely_more(one: CountJudged) -> bool:
    half = len(one.spread) // 2
    before, after = one.spread[:half], one.spread[half:]
    return min(after) > max(before) * _FUZZY


def _counted(one: CountJudged, limit: Budget, of_unit: Sequence[CountJudged]) -> Breach:
    unit, what = one.key.unit, one.key.what
    grown = _largest_growth(of_unit, _PARTS[what]) if what in _PARTS else None
    things = _CALLED.get(what, what)
    called = grown_calls(of_unit, unit) if what == "calls" else []
    first = grown or (called[0] if called else one)
    return Breach(
        unit=unit,
        metric=what,
        title=f"{unit} {_DOES[what]} {_number(one.current)} {things}{per(unit)}, was {_number(one.baseline)}",
        budget=limit.text,
        baseline=one.baseline,
        current=one.current,
        key=f"{unit} {what}",
        why=_grown(grown) if grown else told_calls(called),
        where=first.where,
    )


def _named(one: CountJudged, limit: Budget) -> Breach:
    unit, name = one.key.unit, _short(one.key.name)
    return Breach(
        unit=unit,
        metric=limit.metric,
        title=f"{unit} {_NAMED_DOES[one.key.what]} {name} {_times(one.current)}{per(unit)}, was {_number(one.baseline)}",
        budget=limit.text,
        baseline=one.baseline,
        current=one.current,
        key=f"{unit} {limit.metric} {one.key.name}",
        where=one.where,
    )


def told_calls(grown: Sequence[CountJudged]) -> str | None:
    """The functions whose calls grew most, in words; None where none did."""
    if not grown:
        return None
    first, *others = grown[:_MOST]
    more = "".join(f", {one.key.name} {_number(one.baseline)} → {_number(one.current)}" for one in others)
    return f"{first.key.name} is called {_times(first.current)}{per(first.key.unit)}, {_times(first.baseline)} before{more}"


def _largest_growth(of_unit: Sequence[CountJudged], what: Counted) -> CountJudged | None:
    grown = [one for one in of_unit if one.key.what == what and one.current > one.baseline]
    return max(grown, key=lambda one: one.current - one.baseline, default=None)


def _grown(one: CountJudged) -> str:
    text = _short(one.key.name)
    if not one.baseline:
        never = "not asked" if one.key.what == "host" else "not run"
        return f"{_times(one.current)}{per(one.key.unit)}, and {never} before: {text}"
    return f"{_times(one.current)}{per(one.key.unit)}, {_times(one.baseline)} before: {text}"


def _short(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= 120 else text[:119] + "…"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _times(value: float) -> str:
    return "once" if value == 1 else f"{_number(value)} times"


def _list(values: Sequence[float]) -> str:
    return ", ".join(_number(value) for value in values)
