"""Histories: each step of a count, and change points of seconds only where they changed."""

from __future__ import annotations

import random

import pytest

from perfkit.errors import PerfkitError
from perfkit.gate import history
from perfkit.model.gate import Baseline, CountKey, Counts

pytest.importorskip("ruptures")


def _of(queries: int, cpu: float = 0.001, machine: str = "one") -> Baseline:
    counts = Counts({CountKey("GET /", "queries"): queries}, {"GET /": 1})
    return Baseline((counts, counts), "3.12", "linux", "x", None, {"GET /": cpu}, machine)


def _records(*all_of_them: Baseline) -> list[tuple[str, str, Baseline]]:
    return [(f"{n:040x}", f"Commit {n}", one) for n, one in enumerate(all_of_them)]


def test_each_step_of_a_count() -> None:
    (found,) = history.series(_records(*map(_of, (3, 3, 4, 4, 4, 2))), "queries")
    assert found.changes == (2, 5)
    assert [point.value for point in found.points] == [3, 3, 4, 4, 4, 2]


def test_seconds_are_of_one_machine() -> None:
    records = _records(_of(1, 0.1), _of(1, 0.9, "other"), _of(1, 0.1))
    (found,) = history.series(records, "cpu")
    assert [point.value for point in found.points] == [0.1, 0.1]


def _noisy(seed: int, commits: int, change: float) -> list[float]:
    chance = random.Random(seed)
    return [0.005 * chance.lognormvariate(0, 0.04) * (1 + change * (n >= commits // 2)) for n in range(commits)]


def test_what_changed_is_found_and_what_strays_is_not() -> None:
    unchanged = [history.shifts(_noisy(seed, 50, 0.0)) for seed in range(40)]
    assert sum(map(bool, unchanged)) <= 2
    slower = [history.shifts(_noisy(seed, 50, 0.15)) for seed in range(40)]
    assert sum(any(abs(at - 25) <= 1 for at in found) for found in slower) >= 36


def test_few_commits_have_no_change_points() -> None:
    assert history.shifts([0.1, 0.2, 0.3]) == []
    assert history.shifts([0.0] * 20) == []


def test_a_unit_by_pattern_and_a_metric_that_is_none() -> None:
    assert history.series(_records(_of(1)), "queries", "GET /other*") == ()
    with pytest.raises(PerfkitError, match="no history of p95"):
        history.series(_records(_of(1)), "p95")
