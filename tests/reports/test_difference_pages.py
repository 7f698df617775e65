"""What changed, and a gate's verdict, as pages: everything is text, nothing is loaded, and the flame graph holds both sides."""

from __future__ import annotations

import gzip
import json
import re
from array import array
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from gate_verdicts import HOSTILE, ORDERS, endless, failing, inconclusive, passing
from gate_verdicts import hostile as hostile_verdict
from html_pages import VOCABULARY, Page

from perfkit.analysis.difference_tree import tree
from perfkit.model.difference import Difference, Sampled
from perfkit.model.gate import FunctionChange, Verdict
from perfkit.model.recording import Request
from perfkit.model.report import Report
from perfkit.pipeline.diffing import difference
from perfkit.pipeline.reporting import report_on
from perfkit.reports import DIFF_FORMATS, GATE_FORMATS, RenderOptions
from perfkit.reports.html.flame import WHOLE
from recordings_from_text import recording_of

MORE = {"select", "option", "fieldset", "legend"}
ROUTE = "flask>; route:GET /orders@<perfkit>:1; orders@shop.py:35; "


def _side(work: int, old: int = 0) -> Report:
    """So many looks at work(), and at old(), a hundred a second; a hundred requests."""
    text = f"{ROUTE}work@shop.py:80 {work}\n{ROUTE}page@shop.py:60 400\n"
    text += f"{ROUTE}old@shop.py:90 {old}\n" if old else ""
    seconds = (work + old + 400) / 10_000
    requests = [
        Request("GET /orders", n * seconds, seconds, 200, "probe", 1, n + 1, "wsgi", seconds) for n in range(100)
    ]
    return report_on(recording_of(text, requests=requests))


def _slower(server: Report) -> Difference:
    """work() takes three times as long, old() is gone, and there is a new finding."""
    found = server.findings[:1]
    return difference(replace(_side(400, old=300), findings=()), replace(_side(1200), findings=found))


def _sampled(verdict: Verdict, unit: str) -> Verdict:
    sides = _side(400).analysis, _side(1200).analysis
    change = FunctionChange(None, unit, f"{unit}.py", 0.04, 0.12, 0.01)
    return replace(verdict, sampled=(Sampled(unit, "request", (change,), 3, tree(*sides, None)),))


def _diff_page(found: Difference) -> str:
    return DIFF_FORMATS.load("html")(found, RenderOptions())


def _gate_page(verdict: Verdict) -> str:
    return GATE_FORMATS.load("html")(verdict, RenderOptions())


@pytest.fixture(params=["slower", "same", "hostile", "fail", "pass", "open", "hostile gate", "endless"])
def source(request: pytest.FixtureRequest, hostile: Report, server: Report) -> str:
    pages = {
        "slower": lambda: _diff_page(_slower(server)),
        "same": lambda: _diff_page(difference(server, server)),
        "hostile": lambda: _diff_page(difference(server, hostile)),
        "fail": lambda: _gate_page(_sampled(failing(), ORDERS)),
        "pass": lambda: _gate_page(passing()),
        "open": lambda: _gate_page(inconclusive()),
        "hostile gate": lambda: _gate_page(_sampled(hostile_verdict(), HOSTILE)),
        "endless": lambda: _gate_page(endless()),
    }
    return pages[request.param]()


def _unpack(source: str) -> tuple[list[array[int]], dict[str, Any]]:
    block = re.search(r'<script id="flame-data"[^>]*>([^<]*)</script>', source)
    assert block is not None
    raw = gzip.decompress(b64decode(block[1]))
    n = int.from_bytes(raw[:4], "little")
    columns = [array("I", raw[4 + 4 * n * i : 4 + 4 * n * (i + 1)]) for i in range(5)]
    return columns, json.loads(raw[4 + 20 * n :])


def test_pages_are_well_formed_and_load_nothing(source: str) -> None:
    page = Page(source)
    assert {tag for tag, _ in page.tags} <= VOCABULARY | MORE
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "style", "action", "data", "background", "xlink:href"} & set(attributes), tag
        assert attributes.get("href", "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert {(attributes.get("href") or "#")[1:] for tag, attributes in page.tags if tag == "a"} <= set(identifiers)
    assert len(source) < 2_000_000


def test_no_text_of_a_stranger_is_more_than_text(source: str) -> None:
    assert source.count("<script") == source.count("</script>") <= 2
    assert source.count("</style>") == 1
    assert "<img" not in source
    assert all(character.isprintable() or character == "\n" for character in source.replace("\u00a0", ""))
    if 'id="flame-data"' in source:
        for name in _unpack(source)[1]["names"]:
            assert all(part.isprintable() and len(part) <= 202 for part in name)


def test_hostile_text_is_there_all_the_same(server: Report, hostile: Report) -> None:
    words = Page(_diff_page(difference(server, hostile))).text
    assert "<img src=x onerror=alert(1)>" in words
    assert "<script>alert(1)</script>" in Page(_gate_page(_sampled(hostile_verdict(), HOSTILE))).text


def test_the_same_difference_gives_the_same_bytes(server: Report) -> None:
    assert _diff_page(_slower(server)) == _diff_page(_slower(server))


def test_what_changed_comes_first(server: Report) -> None:
    words = Page(_diff_page(_slower(server))).text
    assert "work() takes 120 ms per request, 40.0 ms before." in words
    assert "1 function is slower by more than chance, 1 function is faster, 1 finding is new." in words
    assert "old()−30.0 ms, gone" in words.replace("() ", "()")
    assert "New (1)" in words and server.findings[0].title in words


def test_nothing_changed_is_said(server: Report) -> None:
    words = Page(_diff_page(difference(server, server))).text
    assert "Nothing changed by more than chance." in words
    assert "Functions, statements and findings are the same on both sides." in words
    assert "The same findings on both sides." in words


def test_the_flame_graph_holds_both_sides(server: Report) -> None:
    (depth, name, baseline, current, error), meta = _unpack(_diff_page(_slower(server)))
    (only,) = meta["trees"]
    rows = {
        meta["names"][name[node]][0]: tuple(
            round(column[node] / WHOLE * only["seconds"], 4) for column in (baseline, current)
        )
        for node in range(only["begin"], only["end"])
    }
    assert rows == {
        "(all requests)": (0.11, 0.16),
        "GET /orders": (0.11, 0.16),
        "orders": (0.11, 0.16),
        "work": (0.04, 0.12),
        "page": (0.04, 0.04),
        "old": (0.03, 0.0),
    }
    assert list(depth) == [0, 1, 2, 3, 3, 3]
    assert all(error)


def test_a_verdict_says_why_where_and_how_much() -> None:
    words = Page(_gate_page(_sampled(failing(), ORDERS))).text
    for said in (
        "FAIL",
        "GET /orders runs 181 queries per request, was 121, and 1 breach more",
        "60 times a request, and was not run before: SELECT * FROM coupon",
        "shop/views.py:36 in orders()",
        "added in a1b2c3d",
        "queries +0",
        "+36% … +40%",
        "▲ slower",
        "flaky",
        "GET /new is new: nothing to compare it with",
        "GET /old is not there any more",
        "Time per request by function, GET /orders",
        "the machine was busy",
    ):
        assert said in words, said


def test_bars_reach_from_nothing_to_the_change_with_their_interval() -> None:
    page = _gate_page(failing())
    bars = re.findall(r'<svg class="change".*?</svg>', page)
    assert len(bars) == 3
    slower = {
        kind: (float(x), float(w))
        for kind, x, w in re.findall(r'class="([\w-]+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', bars[0])
    }
    assert slower["change-slower"][0] == pytest.approx(100, abs=0.1)
    assert slower["change-slower"][0] + slower["change-slower"][1] < 200


def test_a_verdict_without_samples_has_no_canvas() -> None:
    assert "canvas" not in {tag for tag, _ in Page(_gate_page(passing())).tags}
    assert "2 endpoints within budget" in Page(_gate_page(passing())).text
