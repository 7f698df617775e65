"""What holds for every recording: each second has one owner, shares and intervals are sound, the same in gives the same out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from recording_strategies import cases

from perfkit.analysis import analyse
from perfkit.findings import RULES, judge
from perfkit.findings.interface import NotRunError, View
from perfkit.findings.rank import take
from perfkit.model.analysis import Analysis
from perfkit.model.finding import Verdicts
from recordings_from_text import recording_of

TODAY = date(2026, 1, 1)
thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judged(case: dict[str, Any], **changes: Any) -> tuple[Analysis, Verdicts]:
    analysis = analyse(recording_of(**{**case, **changes}))
    return analysis, judge(analysis, (), TODAY)


@thorough
@given(cases())
def test_explained_and_unexplained_are_what_was_measured(case: dict[str, Any]) -> None:
    analysis, verdicts = judged(case)
    owned = sum(finding.cost.seconds for finding in verdicts.findings)
    assert owned <= analysis.measured * (1 + 1e-9)
    assert verdicts.explained == pytest.approx(owned)
    assert sum(time.seconds for time in analysis.times) == pytest.approx(analysis.measured)
    assert sum(part.share for part in analysis.slices) == pytest.approx(1.0 if analysis.measured else 0.0, abs=0.006)


@thorough
@given(cases())
def test_no_stack_is_owned_twice(case: dict[str, Any]) -> None:
    view = View(analyse(recording_of(**case)))
    candidates = []
    for name in RULES:
        try:
            candidates.extend(RULES.load(name)().check(view))
        except NotRunError:
            continue
    for candidate in candidates:
        assert all(0.0 <= part <= 1.0 for part in candidate.claim.values()), candidate.title
    findings = take(view, candidates)
    assert all(-1e-9 <= part <= 1.0 for part in view.left.values())
    taken = sum(time.seconds * (1.0 - view.left.get(time.stack, 1.0)) for time in view.times)
    assert taken == pytest.approx(sum(finding.cost.seconds for finding in findings))


@thorough
@given(cases())
def test_costs_are_sound(case: dict[str, Any]) -> None:
    analysis, verdicts = judged(case)
    for finding in verdicts.findings:
        cost = finding.cost
        assert 0.0 < cost.share <= 1.0 + 1e-9
        assert 0.0 <= cost.low <= cost.seconds * (1 + 1e-9)
        assert cost.seconds <= cost.high * (1 + 1e-9)
        assert cost.high <= analysis.measured * (1 + 1e-9)
        if finding.expected is not None:
            assert 0.0 <= finding.expected.low <= finding.expected.seconds <= finding.expected.high * (1 + 1e-9)
            assert finding.expected.high <= cost.high * (1 + 1e-9)


@thorough
@given(cases())
def test_ranks_follow_the_cost(case: dict[str, Any]) -> None:
    _, verdicts = judged(case)
    seconds = [finding.cost.seconds for finding in verdicts.findings]
    ranks = [finding.rank for finding in verdicts.findings]
    assert seconds == sorted(seconds, reverse=True)
    assert ranks == sorted(ranks)
    assert ranks[:1] in ([], [1])
    assert len({finding.key for finding in verdicts.findings}) == len(verdicts.findings)


@thorough
@given(cases())
def test_analysing_again_gives_the_same(case: dict[str, Any]) -> None:
    recording = recording_of(**case)
    first, second = analyse(recording), analyse(recording)
    assert first == second
    assert judge(first, (), TODAY) == judge(second, (), TODAY)


@thorough
@given(cases())
def test_keys_survive_moved_lines(case: dict[str, Any]) -> None:
    _, before = judged(case)
    _, after = judged(case, shift=10)
    assert [finding.key for finding in before.findings] == [finding.key for finding in after.findings]


@thorough
@given(cases())
def test_a_script_never_takes_longer_than_it_ran(case: dict[str, Any]) -> None:
    analysis, _ = judged(case)
    if analysis.kind == "script":
        assert analysis.measured <= analysis.run.duration * 1.05


@thorough
@given(cases())
def test_tables_agree_with_the_stacks(case: dict[str, Any]) -> None:
    analysis, _ = judged(case)
    assert sum(function.self_seconds for function in analysis.functions) <= analysis.measured * (1 + 1e-9)
    assert all(f.self_seconds <= f.total_seconds * (1 + 1e-9) for f in analysis.functions)
    assert sum(e.seconds for e in analysis.endpoints if e.source == "samples") <= analysis.measured * (1 + 1e-9)
    for time in analysis.times:
        assert sum(time.clusters.values()) == pytest.approx(time.seconds)
