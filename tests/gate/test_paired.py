"""Pairs of times: how often unchanged code fails, how often a slowdown is found, and what cannot be told."""

from __future__ import annotations

import random
from collections import Counter
from math import exp, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.gate import student
from perfkit.gate.paired import Rules, judge, looks
from perfkit.model.gate import TimeJudged


def _gate(shaken: random.Random, slower: float, noise: float, units: int = 1) -> TimeJudged:
    """One gate: normal noise of the log ratio, and one pair in twenty that is four times as far off."""
    pairs: list[tuple[float, float]] = []
    rules = Rules()
    for look in looks(rules):
        while len(pairs) < look:
            error = shaken.gauss(0, noise) + (shaken.gauss(0, 4 * noise) if shaken.random() < 0.05 else 0.0)
            pairs.append((1.0, exp(log1p(slower) + error)))
        judged = judge("unit", "cpu", pairs, rules, units, last=look == rules.pairs)
        if judged.status != "unknown":
            break
    return judged


def _answers(slower: float, noise: float, gates: int, units: int = 1) -> Counter[str]:
    shaken = random.Random(7)
    return Counter(_gate(shaken, slower, noise, units).status for _ in range(gates))


@pytest.mark.parametrize("noise", [0.01, 0.04, 0.08])
def test_unchanged_code_does_not_fail(noise: float) -> None:
    assert _answers(0.0, noise, 1000)["slower"] <= 3  # 1 expected; 4 or more have a chance of 2 %


@pytest.mark.parametrize("noise", [0.01, 0.04])
def test_five_percent_is_found(noise: float) -> None:
    assert _answers(0.05, noise, 300)["slower"] >= 0.95 * 300


@pytest.mark.parametrize("noise", [0.04, 0.08, 0.15])
def test_five_percent_seldom_passes(noise: float) -> None:
    answers = _answers(0.05, noise, 300, units=10)
    assert answers["same"] + answers["faster"] <= 0.08 * 300  # 5 % is what may be; 24 of 300 a chance of 1 %


def test_noise_leaves_no_answer() -> None:
    assert _answers(0.0, 0.5, 100)["unknown"] >= 90


def test_what_is_slower_by_less_than_the_least_does_not_fail() -> None:
    assert _answers(0.01, 0.005, 200)["slower"] == 0


def test_twice_as_slow_is_seen_early() -> None:
    found = [_gate(random.Random(seed), 1.0, 0.04) for seed in range(50)]
    assert {one.status for one in found} == {"slower"}
    assert max(one.pairs for one in found) <= 9
    assert all(0.8 < one.low < one.change < one.high < 1.25 for one in found)


def test_faster_is_told() -> None:
    assert _answers(-0.2, 0.04, 50)["faster"] == 50


def test_one_pair_that_is_far_off_decides_nothing() -> None:
    pairs = [(1.0, 1.0 + 0.001 * (number % 3 - 1)) for number in range(11)]
    assert judge("unit", "cpu", [*pairs, (1.0, 9.0)], Rules(), 1, last=True).status == "same"


def test_a_number_of_pairs_that_is_asked_for_is_the_last_look() -> None:
    assert looks(Rules(pairs=10)) == (6, 9, 10)


@given(st.integers(1, 60), st.floats(0.0001, 0.4))
def test_quantiles_are_the_inverse_of_the_tail(freedom: int, tail: float) -> None:
    assert student.above(student.quantile(tail, freedom), freedom) == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize(
    ("tail", "freedom", "t"), [(0.025, 1, 12.706), (0.025, 10, 2.228), (0.001, 14, 3.787), (0.05, 30, 1.697)]
)
def test_quantiles_of_the_table(tail: float, freedom: int, t: float) -> None:
    assert student.quantile(tail, freedom) == pytest.approx(t, abs=0.001)
