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
    assert block[1].split() == ["line", "hits", "seconds", "share", "source"]
    assert [line.split(maxsplit=5) for line in block[2:]] == [
        ["6", "20", "100", "ms", "5.0%", "total = 0"],
        ["7", "2,020", "400", "ms", "20%", "for row in rows:"],
        ["8", "2,000", "1.5", "s", "75%", "total += row"],
    ]


def test_one_view_has_samples_hits_seconds_and_bytes(weighed: Report) -> None:
    text = shown(weighed, "terminal")
    orders, listed = (part.splitlines() for part in text.split("\n\n") if part.startswith("Lines "))
    assert orders[0].split(" · ") == ["Lines    orders() shop/views.py:5", "20 calls", "2 s", "3.1 MB"]
    assert orders[1].split() == ["line", "samples", "hits", "seconds", "share", "bytes", "source"]
    assert orders[4].split(maxsplit=8) == ["8", "7", "2,000", "1.5", "s", "75%", "3.0", "MB", "total += row"]
    assert orders[5].split() == ["9", "100", "kB", "return", "total"]
    # Memory alone is known of it.
    assert listed[1].split() == ["line", "bytes", "source"]
    assert listed[2].split(maxsplit=3) == ["15", "1.0", "MB", "return [row for row in rows]"]


def test_the_page_has_a_column_of_bytes_where_memory_was_measured(weighed: Report, zoomed: Report) -> None:
    page = shown(weighed, "html")
    section = page[page.index('<section id="lines"') : page.index('<section id="code"')]
    heads = [re.findall(r">([^<>]+)</th>", head) for head in re.findall(r"<thead>.*?</thead>", section, re.DOTALL)]
    assert heads == [
        ["Line", "Samples", "Hits", "Seconds", "µs a hit", "Share", "Bytes", "Source"],
        ["Line", "Bytes", "Source"],
    ]
    assert "3.0 MB" in section and "when most memory was in use" not in section and "stands at the end" in section
    assert "Bytes" not in shown(zoomed, "html").partition('<section id="lines"')[2].partition("</section>")[0]


def test_markdown_has_bytes_beside_shares(weighed: Report) -> None:
    assert "     8    75%  3.0 MB          total += row" in shown(weighed, "markdown")


def test_a_line_of_a_library_is_no_line_of_the_project(weighed: Report) -> None:
    assert "lib.py" not in shown(weighed, "html").partition('<section id="lines"')[2].partition("</section>")[0]


@pytest.mark.parametrize("width", [40, 63, 90])
@pytest.mark.parametrize("case", ["zoomed", "hostile", "weighed"])
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


def test_json_is_as_its_schema_says(zoomed: Report, hostile: Report, server: Report, weighed: Report) -> None:
    for report in (zoomed, hostile, server, weighed):
        Draft202012Validator(json_schema()).validate(json.loads(shown(report, "json")))
    (function,) = json.loads(shown(zoomed, "json"))["lines"]
    assert (function["file"], function["calls"], function["seconds"]) == ("shop/views.py", 20, 2.0)
    assert function["lines"][1] == {"line": 7, "samples": 0, "hits": 2020, "seconds": 0.4, "bytes": None}
    document = json.loads(shown(weighed, "json"))
    assert document["lines"][0]["lines"][2] == {
        "line": 8,
        "samples": 7,
        "hits": 2000,
        "seconds": 1.5,
        "bytes": 3_000_000,
    }
    first = document["memory"]["allocations"][0]
    assert (first["file"], first["line"], first["blocks"], first["per_request"]) == ("shop/views.py", 8, 30_000, 3000.0)
    assert json.loads(shown(server, "json"))["lines"] == []
