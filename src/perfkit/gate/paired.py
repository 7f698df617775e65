"""Times: seconds of both revisions, measured in turn, come in; whether one is slower goes out, as early as it can be said.

The mean of the logarithms of the ratios, without the fifth at each end, by Student's t (Yuen, Biometrika 61, 1974; Tukey and
McLaughlin 1963). It is looked at several times: each look spends a part of the error that the whole may make (Lan and DeMets,
Biometrika 70, 1983), and all units of a gate share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, log, log1p, sqrt
from statistics import fmean, median

from perfkit.gate import student
from perfkit.model.gate import Clock, TimeJudged, TimeStatus

LOOKS = (6, 9, 12, 16, 20, 24, 30, 36, 44, 54)
_TRIM = 0.2
_SPENDING = 2  # the power of the share of looks that is behind: late looks have most of the error to spend
_POWER = 0.05  # how often a slowdown as large as what is said to be seen is missed


@dataclass(frozen=True, slots=True)
class Rules:
    """Shares. `wrong` is how often a gate of unchanged code may fail, `missed` how often one that is slower by `resolution`
    may pass. A slowdown below `least` does not fail."""

    least: float = 0.02
    resolution: float = 0.05
    wrong: float = 0.001
    missed: float = 0.05
    pairs: int = LOOKS[-1]


@dataclass(frozen=True, slots=True)
class _Fit:
    middle: float
    error: float
    freedom: int


def looks(rules: Rules) -> tuple[int, ...]:
    """After how many pairs one looks."""
    return (*(look for look in LOOKS if look < rules.pairs), rules.pairs)


def judge(
    unit: str, clock: Clock, pairs: Sequence[tuple[float, float]], rules: Rules, units: int, *, last: bool
) -> TimeJudged:
    """(baseline, current) seconds of each pair, as many as one of `looks` says. `last`: no more will come.

    The status is `unknown` until something can be said of the `units` that are judged together.
    """
    ratios = [log(current / baseline) for baseline, current in pairs]
    fit = _fit(ratios)
    spent = _spent(len(pairs), rules, last)
    return TimeJudged(
        unit=unit,
        clock=clock,
        status=_status(fit, median(ratios), rules, spent / units, spent),
        baseline=median(baseline for baseline, _ in pairs),
        current=median(current for _, current in pairs),
        change=expm1(fit.middle),
        low=expm1(fit.middle - _t(0.025, fit) * fit.error),
        high=expm1(fit.middle + _t(0.025, fit) * fit.error),
        sees=max(rules.least, expm1((_t(rules.wrong / units, fit) + _t(_POWER, fit)) * fit.error)),
        pairs=len(pairs),
    )


def _status(fit: _Fit, middle: float, rules: Rules, tail: float, pass_tail: float) -> TimeStatus:
    """`tail` and `pass_tail` are the parts of the errors of failing and of passing that may be made now."""
    surely = _t(rules.wrong * tail, fit) * fit.error
    if fit.middle > surely and middle > log1p(rules.least):
        return "slower"
    if fit.middle + _t(rules.missed * pass_tail, fit) * fit.error < log1p(rules.resolution):
        return "faster" if fit.middle + _t(0.025, fit) * fit.error < -log1p(rules.least) else "same"
    return "unknown"


def _fit(ratios: Sequence[float]) -> _Fit:
    """The trimmed mean, and its error from the winsorized deviations."""
    ordered = sorted(ratios)
    cut = int(_TRIM * len(ordered))
    kept = ordered[cut : len(ordered) - cut]
    winsorized = [kept[0]] * cut + kept + [kept[-1]] * cut
    mean = fmean(winsorized)
    spread = sqrt(sum((value - mean) ** 2 for value in winsorized) / (len(ordered) - 1))
    return _Fit(fmean(kept), max(1e-9, spread / ((1 - 2 * cut / len(ordered)) * sqrt(len(ordered)))), len(kept) - 1)


def _t(tail: float, fit: _Fit) -> float:
    return student.quantile(tail, fit.freedom)


def _spent(pairs: int, rules: Rules, last: bool) -> float:
    """The part of an error that this look may make."""
    behind = [look for look in looks(rules) if look < pairs]
    until = 1.0 if last else (pairs / rules.pairs) ** _SPENDING
    return until - ((behind[-1] / rules.pairs) ** _SPENDING if behind else 0.0)
