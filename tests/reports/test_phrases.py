"""Numbers in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfkit.model.finding import Check, Evidence, Expected
from perfkit.model.report import Report
from perfkit.reports import phrases


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (6.0, 6.52, "−35 to −38 ms/req"),
        (6.52, 6.0, "−35 to −38 ms/req"),
        (6.5, 6.5, "−38 ms/req"),
        (-0.1, 6.5, "up to −38 ms/req"),
        (65.0, 650.0, "−0.38 to −3.8 s/req"),
    ],
)
def test_the_saving_is_a_range_in_the_currency_of_the_cost(server: Report, low: float, high: float, said: str) -> None:
    found = replace(server.findings[0], expected=Expected(high, low, high, "modelled"))
    assert phrases.saving(found) == said


def test_without_requests_the_saving_is_in_seconds(script: Report) -> None:
    assert phrases.saving(script.findings[0]) == "−820 to −930 ms"
    assert phrases.cost(script.findings[0]) == "900 ms"


def test_no_expectation_is_no_saving(server: Report) -> None:
    assert phrases.saving(server.findings[2]) is None


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Evidence("121 queries ran.", 121, "queries"), "121 queries ran."),
        (Evidence("Runs 121 queries", 121, "queries"), "Runs 121 queries."),
        (Evidence("Python's part", 0.96, "share", n=4215), "Python's part: 96% (n = 4,215)."),
        (Evidence("Peak", 62_000_000, "bytes"), "Peak: 62 MB."),
        (Evidence("Pause", 0.0381, "s"), "Pause: 38.1 ms."),
        (Evidence("Engine", "re", ""), "Engine: re."),
        (Evidence("Seen in 12 windows.", 12, "windows", n=12), "Seen in 12 windows."),
    ],
)
def test_evidence_says_its_number_once(item: Evidence, said: str) -> None:
    assert phrases.evidence(item) == said


def test_rules_that_missed_the_same_thing_share_one_reason(server: Report) -> None:
    from perfkit.model.finding import Check

    checks = (Check("a", "not_run", "no SQL."), Check("b", "clean"), Check("c", "not_run", "no SQL"))
    assert phrases.unchecked(replace(server, checks=checks)) == ["a, c (no SQL)", "Memory growth (--memory)"]


def test_what_was_not_checked_has_no_brackets_within_brackets(empty: Report) -> None:
    reason = "the lock's holder was not sampled (one thread, or a short run)"
    report = replace(empty, checks=(Check("gil-contention", "not_run", reason),), gaps=())
    assert phrases.unchecked(report) == ["gil-contention (the lock's holder was not sampled)"]
