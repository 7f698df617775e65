"""Markdown: readable, bounded, and no text of a stranger becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from perfkit.model.analysis import EndpointTime
from perfkit.model.finding import Advice
from perfkit.model.report import Report
from perfkit.reports import RenderOptions
from perfkit.reports.markdown import LIMIT, block, code, render, sentence, text

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def html(report: Report) -> str:
    return PARSER.render(render(report, RenderOptions()))


def test_findings_stand_under_the_headline_in_rank_order(server: Report) -> None:
    headings = re.findall(r"<h(\d)>(.*?)</h\d>", html(server))
    assert headings[0] == ("3", server.headline)
    assert [title[:4] for _, title in headings[1:]] == ["1 ▲ ", "2 ■ ", "3 ● "]


def test_a_finding_shows_place_fix_and_diff(server: Report) -> None:
    page = html(server)
    assert "<code>shop/views.py:35</code> in <code>orders()</code>" in page
    assert "<strong>Expect</strong> −35 to −38 ms/req" in page
    assert '<code class="language-diff">- for o in Order.objects.all()[:60]:\n+ for o' in page


def test_what_clients_saw_and_what_handlers_took_are_tables_of_their_own(server: Report) -> None:
    handlers = (EndpointTime("orders()", 5.0, 0.5), EndpointTime("page()", 6.0, 0.6))
    uncounted = tuple(replace(e, queries_per_request=None) for e in server.analysis.endpoints)
    page = html(replace(server, analysis=replace(server.analysis, endpoints=(*uncounted, *handlers))))
    seen, own = page.split("<table>")[1:]
    heads = [re.findall(r"<th[^>]*>(.*?)</th>", part) for part in (seen, own)]
    assert heads == [["Endpoint", "Requests", "p50", "p95", "p99", "Share of latency"], ["Handler", "Time", "Share"]]
    assert (seen.count("<tr>"), own.count("<tr>")) == (4, 3)
    assert own.index("page()") < own.index("orders()")
    assert "Queries/req" in html(server)


def test_a_pipe_in_an_endpoint_stays_in_its_cell(server: Report) -> None:
    analysis = replace(server.analysis, endpoints=(EndpointTime("GET /a|b", 1.0, 0.1, 5),))
    page = html(replace(server, analysis=analysis))
    assert "<code>GET /a|b</code></td>" in page
    assert page.count("<td") == 3


def test_hostile_names_become_text(hostile: Report) -> None:
    page = html(hostile)
    assert set(re.findall(r"<(\w+)", page)) <= {
        *("h3", "h4", "p", "strong", "br", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"),
        *("blockquote", "details", "summary", "ul", "li"),
    }
    assert "<strong>b" not in page
    assert "\x1b" not in page
    assert page.count("<details>") == page.count("</details>") == 1


def test_nobody_is_notified_and_nothing_is_linked_outside_code(hostile: Report) -> None:
    prose = re.sub(r"<pre>.*?</pre>|<code>.*?</code>", "", html(hostile), flags=re.DOTALL)
    assert "evil.example" in prose
    assert "@team" not in prose
    assert "://" not in prose


@pytest.mark.parametrize("value", ["`", "``", "a`b", "`a", "a``b`c", "plain", "a|b"])
def test_a_code_span_holds_its_backticks(value: str) -> None:
    assert PARSER.renderInline(code(value)) == f"<code>{value}</code>"


@pytest.mark.parametrize("value", ["**b**", "__init__", "[a](b)", "<b>", "a\\", "~~x~~", "&amp;", "`x`", "#1", "$x$"])
def test_prose_comes_back_as_it_went_in(value: str) -> None:
    shown = PARSER.renderInline(text(value))
    assert "<" not in shown
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("`a` in <b>", "<code>a</code> in &lt;b&gt;"),
        ("`*a* <b>` *c*", "<code>*a* &lt;b&gt;</code> *c*"),
        ("`a``<i>`", "<code>a</code>\u2060<code>&lt;i&gt;</code>"),
        ("`` <i>", "`` &lt;i&gt;"),
        ("``<i>``", "``&lt;i&gt;``"),
        ("`a` `<i>", "`a` `&lt;i&gt;"),
        ("\\`a\\` <i>", "\\<code>a\\</code> &lt;i&gt;"),
        ("` ` <i>", "` ` &lt;i&gt;"),
    ],
)
def test_code_between_backticks_is_a_span_and_nothing_else_is_markup(value: str, shown: str) -> None:
    assert PARSER.renderInline(sentence(value)) == shown


def test_a_block_cannot_be_closed_from_inside() -> None:
    page = PARSER.render(block("+ ```\n+ <b>\n````", "diff"))
    assert page.count("<pre>") == 1
    assert page.endswith("````\n</code></pre>\n")


@pytest.mark.parametrize("size", [100, 3000, 80_000])
def test_the_text_fits_into_a_comment_and_says_what_is_missing(server: Report, size: int) -> None:
    advice = Advice("&" * size, None)
    findings = tuple(replace(server.findings[0], rank=i + 1, advice=advice) for i in range(300))
    page = render(replace(server, findings=findings, headline="<" * 70_000), RenderOptions())
    assert len(page) <= LIMIT
    assert re.search(r"\d+ more parts did not fit", page)


def test_nothing_found_says_what_was_checked(empty: Report) -> None:
    page = render(empty, RenderOptions())
    assert page.startswith("### No finding above 1% of request time.")
    assert "Largest single cost" in page
