"""One line a finding."""

from __future__ import annotations

from dataclasses import replace

from perfkit.model.report import Report
from perfkit.reports import RenderOptions
from perfkit.reports.concise import render


def test_a_finding_is_one_line_that_an_editor_can_open(server: Report) -> None:
    assert render(server, RenderOptions(color=True)).splitlines() == [
        "shop/views.py:35: lazy-load high 37.9 ms/req (65%) N+1: customer and product are loaded once per row",
        "shop/views.py:48: rule-2 medium 3.4 ms/req (6.9%) Quadratic loop: 400 rows searched in a growing list",
        "shop/views.py:60: rule-3 low 0.8 ms/req (1.4%) Template compiled on every request",
    ]


def test_without_a_place_of_the_project_the_librarys_is_named(server: Report) -> None:
    found = replace(server.findings[0], where=None)
    assert render(replace(server, findings=(found,)), RenderOptions()).startswith(
        "django/db/models/fields/related.py:260: "
    )
    nowhere = replace(found, inside=None)
    assert render(replace(server, findings=(nowhere,)), RenderOptions()).startswith("GET /orders: ")


def test_hostile_names_stay_on_their_line(hostile: Report) -> None:
    assert render(hostile, RenderOptions()).count("\n") == 2
    assert render(hostile, RenderOptions(unicode=False)).isascii()


def test_nothing_found_is_no_line(empty: Report) -> None:
    assert render(empty, RenderOptions()) == ""
