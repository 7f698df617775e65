"""Functions that were followed line by line, in each format."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator

from perfkit.model.report import Report
from perfkit.reports import FORMATS
from perfkit.reports.interface import RenderOptions
from perfkit.reports.schema import json_schema


def shown(report: Report, format: str, **options: int) -> str:
    return FORMATS.load(format)(report, RenderOptions(**options))  # type: ignore[arg-type]


def test_the_terminal_has_the_lines_with_their_source_in_order(zoomed: Report) -> None:
    text = shown(zoomed, "terminal")
    block = text[text.index("Lines ") :].split("\n\n")[0].splitlines()
    assert block[0].split(" · ") == ["Lines    orders() shop/views.py:5", "20 calls", "2 s"]
    assert [line.split(maxsplit=3) for line in block[2:]] == [
        ["6", "20", "5.0%", "total = 0"],
        ["7", "2,020", "20%", "for row in rows:"],
        ["8", "2,000", "75%", "total += row"],
    ]


@pytest.mark.parametrize("width", [40, 63, 90])
@pytest.mark.parametrize("case", ["zoomed", "hostile"])
def test_a_terminal_of_any_width(case: str, width: int, request: pytest.FixtureRequest) -> None:
    text = shown(request.getfixturevalue(case), "terminal", width=width)
    assert max(map(len, text.splitlines())) <= width


def test_the_page_has_the_whole_function_with_what_never_ran(zoomed: Report) -> None:
    page = shown(zoomed, "html")
    section = page[page.index('<section id="lines"') : page.index('<section id="code"')]
    sources = re.findall(r"<pre><code>(.*?)</code></pre>", section, re.DOTALL)
    assert sources == ["def orders():", "    total = 0", "    for row in rows:", "        total += row"]
    assert "20 calls, 2 s" in section and "750.0" in section
    assert '<a href="#lines">' in page


def test_markdown_has_them_in_a_block(zoomed: Report) -> None:
    text = shown(zoomed, "markdown")
    assert "**Lines** of `orders()` at `shop/views.py:5`, 20 calls, 2 s" in text
    assert "     8    75%          total += row" in text


def test_json_is_as_its_schema_says(zoomed: Report, hostile: Report, server: Report) -> None:
    for report in (zoomed, hostile, server):
        Draft202012Validator(json_schema()).validate(json.loads(shown(report, "json")))
    (function,) = json.loads(shown(zoomed, "json"))["lines"]
    assert (function["file"], function["calls"], function["seconds"]) == ("shop/views.py", 20, 2.0)
    assert function["lines"][1] == {"line": 7, "hits": 2020, "seconds": 0.4}
    assert json.loads(shown(server, "json"))["lines"] == []
