"""The page: everything is text, nothing is loaded, nothing of a stranger's becomes markup."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from html_pages import VOCABULARY, Page

from perfkit.model.analysis import EndpointTime
from perfkit.model.report import Report
from perfkit.reports import RenderOptions
from perfkit.reports.html.page import render

ALL = ["server", "empty", "script", "hostile", "deterministic", "long_names"]


@pytest.fixture(params=ALL)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render(request.getfixturevalue(request.param), RenderOptions()))


def test_the_page_is_well_formed_and_uses_known_elements(page: Page) -> None:
    assert {tag for tag, _ in page.tags} <= VOCABULARY


def test_the_page_loads_nothing(page: Page) -> None:
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "style", "action", "data", "background", "xlink:href"} & set(attributes), tag
        assert attributes.get("href", "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    for block in page.raw["style"]:
        assert "url(" not in block
        assert "@import" not in block
    assert not re.search(r"https?://|fetch\(|XMLHttpRequest|import\(", page.raw["script"][-1])


def test_style_and_script_are_allowed_by_hash_alone(page: Page) -> None:
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a) or ""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == _hash(page.raw["style"][0])
    assert rules["script-src"] == _hash(page.raw["script"][-1])
    assert "unsafe" not in policy


def _hash(block: str) -> str:
    return f"'sha256-{b64encode(sha256(block.encode()).digest()).decode()}'"


def test_the_only_executable_script_is_ours(page: Page) -> None:
    types = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert types in ([None], ["application/octet-stream;base64", None])


def test_identifiers_are_unique_and_links_reach_them(page: Page) -> None:
    identifiers = Counter(a["id"] for _, a in page.tags if "id" in a)
    assert set(identifiers.values()) == {1}
    for _, attributes in page.tags:
        for target in (
            (attributes.get("href") or "#about")[1:],
            attributes.get("for"),
            attributes.get("aria-labelledby"),
        ):
            assert target is None or target in identifiers


def test_headings_are_in_order_under_one_first(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_tables_have_headers_with_scope_and_scroll_within_themselves(page: Page) -> None:
    assert all(a.get("scope") in ("col", "row") for tag, a in page.tags if tag == "th")
    parents = [previous for previous, (tag, _) in pairwise(page.tags) if tag == "table"]
    assert parents
    assert all(a.get("class") == "scroll" and a.get("tabindex") == "0" and a.get("aria-label") for _, a in parents)


def test_language_title_and_landmarks_are_there(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert page.tags[0] == ("html", {"lang": "en"})
    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer", "title")] == [1] * 5


def test_hostile_text_is_shown_as_text(hostile: Report) -> None:
    source = render(hostile, RenderOptions())
    page = Page(source)
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "<img" not in source
    assert source.count("</script>") == 2
    assert source.count("</style>") == 1
    assert all(character.isprintable() or character == "\n" for character in source.replace("\u00a0", ""))


def test_every_field_of_a_finding_is_text(server: Report) -> None:
    text = Page(render(server, RenderOptions())).text
    for said in (
        server.headline,
        "37.9 ms/req · 65%",
        "shop/views.py:35 in orders()",
        "ForwardManyToOneDescriptor.__get__() at django/db/models/fields/related.py:260, Django 5.1.4",
        "1 + 60 + 60 = 121 queries.",
        "The third claim: 3 calls. shop/views.py:36",
        "+ for o in Order.objects.select_related",
        "−35 to −38 ms/req, modelled",
        "6.5 s in all, 65% of request time; timed, 95% interval 6.2 s to 6.8 s.",
        "Certain. Counted, not sampled; 190 of 190 requests agree.",
        "perfkit rule lazy-load",
    ):
        assert said in text


def test_findings_are_in_rank_order_and_the_first_is_open(server: Report) -> None:
    source = render(server, RenderOptions())
    articles = re.findall(r'<article class="finding"><details( open)?>.*?</span>(.*?)</h3>', source, re.DOTALL)
    assert [opened for opened, _ in articles] == [" open", "", ""]
    assert ["N+1" in articles[0][1], "Quadratic" in articles[1][1], "Template" in articles[2][1]] == [True] * 3


def test_the_rest_of_the_report_is_text_too(server: Report) -> None:
    text = Page(render(server, RenderOptions())).text
    for said in (
        "Throughput57 req/s",
        "14 / 52 ms",
        "Queries per request41.0",
        "ORM Python 58%",
        "Read with care. load 4.3 on 2 cores",
        "Checked and clean (2): regex-in-loop, gc-pause. Not checked: n-plus-one (no SQL spans)",
        "accepted in March, until 2027-03-01",
        "GET /report1906.69.0",
        "Explained by findings7.54 s75%",
        "Nothing read allocations.",
        "570 requests, 2 failed",
        "gunicorn: worker",
        "waiting for a CPU 11%",
    ):
        assert said.replace(" ", "") in text.replace(" ", ""), said


def test_nothing_found_is_said_with_what_was_checked(empty: Report) -> None:
    text = Page(render(empty, RenderOptions())).text
    assert "No finding above 1% of request time. 2 checks ran, 1 did not (n-plus-one)." in text
    assert "Largest single cost" in text


def test_a_deterministic_profile_has_the_table_and_no_flame_graph(deterministic: Report) -> None:
    page = Page(render(deterministic, RenderOptions()))
    assert "Self time by function" in page.text
    assert "canvas" not in {tag for tag, _ in page.tags}


def test_columns_without_a_value_are_left_out(server: Report) -> None:
    bare = tuple(replace(e, requests=None, p50=None, p95=None, p99=None) for e in server.analysis.endpoints)
    text = Page(render(replace(server, analysis=replace(server.analysis, endpoints=bare)), RenderOptions())).text
    assert "Queries/req" in text
    assert "p50 ms" not in text


def test_the_table_of_functions_says_how_many_it_leaves_out(server: Report) -> None:
    assert "with self time" not in render(server, RenderOptions())
    one = server.analysis.functions[0]
    many = tuple(replace(one, function=f"f{i}", self_seconds=i * 0.01) for i in range(41))
    text = Page(render(replace(server, analysis=replace(server.analysis, functions=many)), RenderOptions())).text
    assert "25 of 40 functions with self time." in text
    assert "f40" in text
    assert "f15 " not in text


def test_clients_and_handlers_have_tables_of_their_own(server: Report) -> None:
    uncounted = tuple(replace(endpoint, queries_per_request=None) for endpoint in server.analysis.endpoints)
    endpoints = (*uncounted, EndpointTime("orders()", 5.0, 0.5))
    page = render(replace(server, analysis=replace(server.analysis, endpoints=endpoints)), RenderOptions())
    seen, handlers = page.partition("<h3>Seen by clients</h3>")[2].split("<h3>Handlers</h3>")
    assert "GET /orders" in seen and "Share of latency" in seen and "orders()" not in seen
    assert "orders()" in handlers.partition("</table>")[0]
    assert "Queries/req" not in page
