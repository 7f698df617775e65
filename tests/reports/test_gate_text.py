"""A verdict in the terminal: what fails comes first, and what to do about no answer."""

from __future__ import annotations

from dataclasses import replace

from gate_verdicts import failing, hostile, inconclusive, passing

from perfkit.model.gate import CountJudged, CountKey
from perfkit.reports.gate_text import render
from perfkit.reports.interface import RenderOptions


def test_a_failure_says_what_why_and_where() -> None:
    lines = render(failing(), RenderOptions()).splitlines()
    assert lines[0].startswith("FAIL  ")
    assert lines[1].startswith("  budget   queries ")
    assert any(line.startswith("  why      ") for line in lines)
    assert any(line.startswith("  where    shop/views.py:36") for line in lines)


def test_many_breaches_from_one_place_are_one_story() -> None:
    first = failing().breaches[0]
    same = [replace(first, unit=f"GET /{n}", title=f"GET /{n} runs more", key=f"GET /{n} queries") for n in range(30)]
    shown = render(replace(failing(), breaches=(first, *same)), RenderOptions())
    assert shown.count("  where    ") == 1
    assert "FAIL  GET /18 runs more, from the same place" in shown
    assert "  and 11 breaches more" in shown
    assert "GET /19" not in shown


def test_a_pass_is_one_line_and_its_largest_change() -> None:
    first = render(passing(), RenderOptions()).splitlines()[0]
    assert first.startswith("PASS  2 endpoints within budget; largest change ")


def test_no_answer_says_what_could_be_seen_and_what_to_do() -> None:
    shown = render(inconclusive(), RenderOptions())
    assert shown.startswith("INCONCLUSIVE  ")
    assert "GET /report  cpu: +1.0%" in shown
    assert "perfkit gate calibrate" in shown


def test_strangers_text_steers_no_terminal() -> None:
    shown = render(hostile(), RenderOptions(unicode=False))
    assert shown.isascii()
    assert not [character for character in shown if ord(character) < 32 and character != "\n"]


def test_what_every_test_of_a_suite_does_more_is_not_all_listed() -> None:
    names = [f"tests/test_it.py::test_{number}" for number in range(100)]
    verdict = replace(passing(), counts=tuple(_rows(name, 1, 2) for name in names), appeared=tuple(names))
    lines = render(verdict, RenderOptions()).splitlines()
    assert lines.count("  and 80 more counts that differ: --report json=FILE has all") == 1
    assert lines.count("  and 80 more that are new: --report json=FILE has all") == 1
    assert "  tests/test_it.py::test_0  rows 1 → 2" in lines  # a test has no requests
    assert len(lines) < 60


def _rows(unit: str, baseline: float, current: float) -> CountJudged:
    return CountJudged(CountKey(unit, "rows"), "more", baseline, current)
