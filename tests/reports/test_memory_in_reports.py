"""Memory in each format: the same finding, its place, its price, and nothing where memory was not followed."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from perfkit.model.report import Report
from perfkit.reports import FORMATS, memory_text
from perfkit.reports.interface import RenderOptions
from perfkit.reports.schema import json_schema

TITLE = "shop.views.SEEN keeps growing with the requests"


def shown(report: Report, format: str, **options: int) -> str:
    return FORMATS.load(format)(report, RenderOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["terminal", "markdown", "html", "concise", "json"])
def test_the_finding_its_line_and_its_price_are_there(leaking: Report, format: str) -> None:
    text = " ".join(shown(leaking, format).split())
    assert TITLE in text
    assert "memory-leak" in text or format in ("terminal", "markdown")
    if format == "json":
        assert json.loads(text)["memory"]["findings"][0]["per_request"] == 2000.0
    else:
        assert "shop/views.py:12" in text
        assert "2.0 kB/req" in text and "3 hours to the limit" in text


@pytest.mark.parametrize("format", ["terminal", "markdown", "html", "concise"])
def test_nothing_is_said_where_memory_was_not_followed(server: Report, format: str) -> None:
    assert "kB/req" not in shown(server, format)
    assert '<section id="memory"' not in shown(server, format)


def test_json_is_null_where_memory_was_not_followed(server: Report) -> None:
    assert json.loads(shown(server, "json"))["memory"] is None


def test_json_is_as_its_schema_says(leaking: Report, hostile: Report) -> None:
    for report in (leaking, hostile):
        Draft202012Validator(json_schema()).validate(json.loads(shown(report, "json")))
    (process,) = json.loads(shown(leaking, "json"))["memory"]["processes"]
    assert process["growth"] == {"per_second": 40_000.0, "low": 35_000.0, "high": 45_000.0, "steady": True}


def test_the_page_shows_what_grew_and_what_has_a_limit(leaking: Report) -> None:
    page = shown(leaking, "html")
    section = page[page.index('<section id="memory"') : page.index('<section id="endpoints"')]
    assert "<polygon" in section
    assert section.index("shop.views.SEEN</code>") < section.index("shop.views.SEEN()")
    assert "slows down" in section and "40 kB/s" in section
    assert 'href="#memory">Memory (1)' in page


@pytest.mark.parametrize("width", [40, 60, 90])
def test_a_terminal_of_any_width(leaking: Report, width: int) -> None:
    text = shown(leaking, "terminal", width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "Memory" in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(10, "1 minute"), (5400, "90 minutes"), (7300, "2 hours"), (3 * 86_400, "3 days"), (1e9, "over a year")],
)
def test_time_to_the_limit_is_no_finer_than_it_is_known(seconds: float, said: str) -> None:
    assert memory_text.span(seconds) == said
