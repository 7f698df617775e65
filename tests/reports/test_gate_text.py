"""A verdict in the terminal: what fails comes first, and what to do about no answer."""

from __future__ import annotations

from gate_verdicts import failing, hostile, inconclusive, passing

from perfkit.reports.gate_text import render
from perfkit.reports.interface import RenderOptions


def test_a_failure_says_what_why_and_where() -> None:
    lines = render(failing(), RenderOptions()).splitlines()
    assert lines[0].startswith("FAIL  ")
    assert lines[1].startswith("  budget   queries ")
    assert any(line.startswith("  why      ") for line in lines)
    assert any(line.startswith("  where    shop/views.py:36") for line in lines)


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
