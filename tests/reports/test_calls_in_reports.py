"""Functions whose calls were counted, with their callers and callees, in each format."""

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
    return str(FORMATS.load(format)(report, RenderOptions(**options)))  # type: ignore[arg-type]


def test_the_terminal_has_callers_and_callees(counted: Report) -> None:
    text = shown(counted, "terminal", width=120)
    block = text[text.index("Calls ") :].split("\n\n")[0].splitlines()
    facts = re.split(
        r" · |\n", "\n".join(line.strip() for line in block[: block.index("               times    /req")])
    )
    assert facts[0].split(maxsplit=1) == ["Calls", "orders() shop/views.py:5"]
    assert facts[1:] == ["2,000 calls", "200 a request", "35% by itself", "10 requests in 1.5 s"]
    assert [line.split(maxsplit=3) for line in block if line.split()[0] in ("from", "to")][:6] == [
        ["from", "1,200", "120", "view.orders()  shop/views.py:31"],
        ["from", "700", "70", "orders()  shop/views.py:5"],
        ["from", "99", "9.9", "GET /orders"],
        ["from", "1", "0.1", "(nothing of Python)"],
        ["to", "3,950", "395", "list.append()"],
        ["to", "1", "0.1", "cold0()  shop/views.py:50"],
    ]
    assert block[-1].strip() == "46 more in the report"


@pytest.mark.parametrize("width", [40, 63, 90])
@pytest.mark.parametrize("case", ["counted", "hostile"])
def test_a_terminal_of_any_width(case: str, width: int, request: pytest.FixtureRequest) -> None:
    text = shown(request.getfixturevalue(case), "terminal", width=width)
    assert max(map(len, text.splitlines())) <= width


def test_the_page_has_a_section_of_its_own(counted: Report, server: Report) -> None:
    page = shown(counted, "html")
    section = page[page.index('<section id="calls"') : page.index('<section id="code"')]
    assert '<a href="#calls">Calls</a>' in page
    rows = re.findall(r'<th scope="row"><code>(.*?)</code>.*?<td class="number">([\d,.]+)</td>', section)
    assert rows[:5] == [
        ("view.orders()", "1,200"),
        ("orders()", "700"),
        ("GET /orders", "99"),
        ("(nothing of Python)", "1"),
        ("list.append()", "3,950"),
    ]
    assert "2,000 calls, 200 a request, 35% by itself, 10 requests in 1.5 s" in section
    assert "11 more" in section
    assert 'id="calls"' not in shown(server, "html")


def test_json_is_as_its_schema_says(counted: Report, hostile: Report, server: Report) -> None:
    for report in (counted, hostile, server):
        Draft202012Validator(json_schema()).validate(json.loads(shown(report, "json")))
    (function,) = json.loads(shown(counted, "json"))["calls"]
    assert (function["file"], function["first_line"], function["calls"]) == ("shop/views.py", 5, 2000)
    assert (function["requests"], function["per_request"], function["recursive"]) == (10, 200.0, 700)
    assert function["callers"][3] == {"function": None, "file": None, "first_line": None, "calls": 1}
    assert function["callees"][0] == {"function": "list.append", "file": "<built-in>", "first_line": 0, "calls": 3950}
    assert json.loads(shown(server, "json"))["calls"] == []
