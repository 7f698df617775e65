"""The ranked list: what it says, how wide it is, and what it never emits."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from perfkit.model.report import Report
from perfkit.reports import RenderOptions
from perfkit.reports.terminal import render

ALL = ["server", "empty", "script", "hostile", "deterministic", "long_names"]


def test_findings_follow_the_headline_in_rank_order(server: Report) -> None:
    text = render(server, RenderOptions())
    lines = text.splitlines()
    assert lines[0] == server.headline
    marked = [line for line in lines if re.match(r" +\d+ [▲■●·] ", line)]
    assert [line[:6] for line in marked] == ["  1 ▲ ", "  2 ■ ", "  3 ● "]
    assert [line.split()[-5:] for line in marked] == [
        ["37.9", "ms/req", "65%", "confidence", "certain"],
        ["3.4", "ms/req", "6.9%", "confidence", "high"],
        ["0.8", "ms/req", "1.4%", "confidence", "medium"],
    ]


def test_costs_stand_under_each_other(server: Report) -> None:
    marked = [line for line in render(server, RenderOptions()).splitlines() if "ms/req  " in line]
    assert len({line.index("ms/req") for line in marked}) == 1
    assert len(marked) == 3


def test_a_finding_says_where_why_and_what_to_do(server: Report) -> None:
    text = render(server, RenderOptions())
    assert "      shop/views.py:35  orders()" in text
    assert "1 + 60 + 60 = 121 queries." in text
    assert 'Fix  Order.objects.select_related("customer", "product")' in text
    assert "expect −35 to −38 ms" in text
    assert "+ for o in Order.objects.select_related" in text
    assert "The third claim" not in text


def test_the_summary_says_what_is_explained_doubtful_and_missing(server: Report) -> None:
    text = render(server, RenderOptions())
    assert re.search(r"Explained 75% +Time  ORM Python 58%  database 14%", text)
    assert "sampling used 1.2% of one core" in text
    assert "Care     load 4.3 on 2 cores" in text
    assert "Not checked: n-plus-one (no SQL spans), Memory growth (--memory)." in text
    assert "Silenced 1: rule-4 at shop/views.py:48 (accepted in March)." in text
    assert "Next     perfkit rule lazy-load" in text


def test_an_empty_list_says_what_was_checked_and_the_largest_cost(empty: Report) -> None:
    text = " ".join(render(empty, RenderOptions()).split())
    assert text.startswith(
        "No finding above 1% of request time. 2 checks ran, 1 did not (n-plus-one). Largest single cost: "
        "ForwardManyToOneDescriptor.__get__ in django/db/models/fields/related.py:260, 17% self time."
    )
    assert "Explained" not in text


def test_a_script_is_priced_in_seconds_of_wall_time(script: Report) -> None:
    assert re.search(r"1 ■ Quadratic loop.* 900 ms  6.9%  confidence high", render(script, RenderOptions()))


@pytest.mark.parametrize("case", ALL)
@pytest.mark.parametrize("width", [20, 40, 63, 80, 90, 300])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_screen(case: str, width: int, unicode: bool, request: pytest.FixtureRequest) -> None:
    text = render(request.getfixturevalue(case), RenderOptions(width=width, unicode=unicode))
    assert max(cell_len(line) for line in text.splitlines()) <= max(40, min(90, width))
    assert unicode or text.isascii()


def test_nothing_is_cut_off_when_the_screen_is_narrow(long_names: Report) -> None:
    found = long_names.findings[0]
    text = "".join(render(long_names, RenderOptions(width=50)).split())
    for whole in (found.title, found.where.file.removeprefix("/srv/shop/") + ":12345", found.where.function + "()"):
        assert whole.replace(" ", "") in text
    assert found.advice.text.replace(" ", "") in text


@pytest.mark.parametrize("case", ALL)
def test_without_colour_no_control_character_is_printed(case: str, request: pytest.FixtureRequest) -> None:
    text = render(request.getfixturevalue(case), RenderOptions(color=False))
    assert all(character.isprintable() or character == "\n" for character in text)


def test_colour_marks_the_severity_alone(server: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    colored = render(server, RenderOptions(color=True))
    assert re.findall(r"\x1b\[[\d;]+m(.)\x1b\[0m", colored) == ["▲", "■", "●"]
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render(server, RenderOptions())


def test_the_environment_cannot_force_colour(server: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert "\x1b" not in render(server, RenderOptions(color=False))


def test_a_strangers_escape_sequence_is_shown_not_obeyed(hostile: Report) -> None:
    colored = render(hostile, RenderOptions(color=True))
    assert r"\x1b[31m" in colored
    assert "\x1b[31m\r" not in colored
    assert "\u202e" not in colored
