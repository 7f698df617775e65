"""Calibration: pairs of unchanged code come in; how often a gate on this machine would fail for nothing, and what it can see, go out.

Gates are drawn from the pairs: runs of whole processes, as a gate takes them, with a sign for each, because which side is called
the baseline is a matter of chance.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import exp, log, log1p
from statistics import median

from perfkit.gate import paired
from perfkit.gate.paired import Rules
from perfkit.model.gate import Calibration

GATES = 2000
# A slowdown that is found in so many of the gates is said to be seen.
_FOUND = 0.95
_STEPS = (0.02, 0.03, 0.04, 0.05, 0.07, 0.10, 0.15, 0.20, 0.30, 0.50, 1.00)
Runs = Sequence[Sequence[tuple[float, float]]]


def calibrate(unit: str, runs: Runs, rules: Rules, units: int) -> Calibration:
    """`runs` are (baseline, current) CPU seconds of the pairs of each pair of processes; `units` are judged together."""
    logs = [[log(current / baseline) for baseline, current in run] for run in runs]
    answers, pairs = drawn(logs, rules, units, 0.0, GATES)
    return Calibration(
        unit=unit,
        seconds=median(baseline for run in runs for baseline, _ in run),
        spread=median(abs(ratio) for run in logs for ratio in run),
        wrong=answers.count("slower") / GATES,
        inconclusive=answers.count("unknown") / GATES,
        pairs=pairs,
        sees=_sees(logs, rules, units),
        measured=sum(len(run) for run in runs),
    )


def _sees(logs: Sequence[Sequence[float]], rules: Rules, units: int) -> float | None:
    """The smallest slowdown that 19 of 20 gates find; None where even twice as slow is not."""
    for slower in _STEPS:
        answers, _ = drawn(logs, rules, units, slower, GATES // 10)
        if answers.count("slower") >= _FOUND * len(answers):
            return slower
    return None


def drawn(
    logs: Sequence[Sequence[float]], rules: Rules, units: int, slower: float, gates: int
) -> tuple[list[str], float]:
    """The answers of so many gates about one of `units` that are judged together, made slower by a share, and how many pairs they
    took in the mean. `logs` are logarithms of current to baseline, by pair of processes."""
    shaken = random.Random(1)
    answers: list[str] = []
    taken = 0
    for _ in range(gates):
        ratios: list[float] = []
        for look in paired.looks(rules):
            while len(ratios) < look:
                sign = shaken.choice((-1, 1))
                ratios += [sign * ratio + log1p(slower) for ratio in shaken.choice(logs)]
            pairs = [(1.0, exp(ratio)) for ratio in ratios[:look]]
            # CPU and wall time of each unit share the error.
            judged = paired.judge("", "cpu", pairs, rules, 2 * units, last=look == rules.pairs)
            if judged.status != "unknown":
                break
        answers.append(judged.status)
        taken += judged.pairs
    return answers, taken / gates
