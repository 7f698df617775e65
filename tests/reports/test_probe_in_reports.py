"""What the probe timed is seen in every format, and no file that does not exist is shown as if it did."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from dataclasses import replace

import pytest

from perfkit.model.recording import Gap
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions, phrases
from perfkit.reports.html.flame import payload
from perfkit.reports.relative import Paths

NO_FILE = re.compile(
    r"(?:<|&lt;)(?:sql|perfkit|gc|loop|pool|awaited|connect)(?:>|&gt;)|\broute:(?! )[A-Z]|\bspan:[a-z]"
)
TEXTS = ("terminal", "concise", "markdown", "html", "speedscope", "collapsed", "json")


def rendered(report: Report, form: str, width: int = 90) -> str:
    return FORMATS.load(form)(report, RenderOptions(width=width))


def frames(report: Report) -> dict[str, tuple[str, str]]:
    """Name → (file, origin) of the flame graph's frames."""
    raw = gzip.decompress(b64decode(payload(report.analysis, Paths(report.analysis.run.project))))
    meta = json.loads(raw[4 + 16 * int.from_bytes(raw[:4], "little") :])
    return {name: (file, origin) for name, file, origin in meta["names"]}


@pytest.mark.parametrize("form", TEXTS)
def test_no_file_that_does_not_exist_is_shown(probed: Report, form: str) -> None:
    assert NO_FILE.findall(rendered(probed, form)) == []


def test_the_flame_graph_names_routes_statements_and_waits(probed: Report) -> None:
    found = frames(probed)
    assert found["GET /orders/<int:id>"] == ("", "route")
    assert found["select id, name from customer where id = ?"] == ("", "database")
    assert found["wait for a connection: postgresql db:5432/shop"] == ("", "waiting")
    assert found["requests wait for the event loop"] == ("", "waiting")
    assert not {"request", "span:sql"} & found.keys()


def test_sampled_and_timed_stacks_of_a_route_share_its_frame(probed: Report) -> None:
    lines = rendered(probed, "collapsed").splitlines()
    orders = [line for line in lines if line.startswith("GET /orders/<int:id>;orders (shop/views.py:35)")]
    assert [int(line.rpartition(" ")[2]) for line in orders] == [600_000, 400_000, 1_000_000, 6_000_000]
    assert any(line.startswith("Session.load (django/sessions.py:7)") for line in lines), "what no route has begun"


def test_speedscope_frames_without_a_file_have_none(probed: Report) -> None:
    document = json.loads(rendered(probed, "speedscope"))
    by_name = {frame["name"]: frame for frame in document["shared"]["frames"]}
    assert by_name["GET /page"] == {"name": "GET /page"}
    assert by_name["page"] == {"name": "page", "file": "shop/views.py", "line": 60}
    assert document["profiles"][0]["endValue"] == pytest.approx(10.0)


def test_the_page_has_routes_and_statements(probed: Report) -> None:
    page = rendered(probed, "html")
    database = page[page.index('<section id="database"') : page.index('<section id="code"')]
    assert "GET /orders/&lt;int:id&gt;" in page
    assert "<h3>Seen by clients</h3>" in page
    assert "<h3>Routes, timed inside</h3>" in page
    assert "remarks, amount" in re.sub(r"<summary>.*?</summary>", "", database), "the whole text is text"
    assert '<td class="number">60%</td>' in database
    assert "Waits for a connection of the pool: <code>postgresql db:5432/shop</code>" in database


def test_the_legend_names_what_is_there(probed: Report, server: Report) -> None:
    assert all(f"</svg>{name}</li>" in rendered(probed, "html") for name in ("Endpoints", "Database", "Waiting"))
    assert not any(f"</svg>{name}</li>" in rendered(server, "html") for name in ("Endpoints", "Database", "Waiting"))


@pytest.mark.parametrize("width", [40, 79, 80, 90])
def test_the_terminal_shows_routes_and_statements(probed: Report, width: int) -> None:
    text = rendered(probed, "terminal", width)
    words = " ".join(text.split())
    assert max(map(len, text.splitlines())) <= width
    for said in ("GET /orders/<int:id>", "queries/req", "select id, name from customer", "shop/views.py:35 orders()"):
        assert said in words
    assert re.search(r"100 (?:p50 ms )?\D*38\.1", words)


def test_a_statement_that_a_finding_speaks_of_is_not_said_again(probed: Report, server: Report) -> None:
    covered = replace(probed, findings=server.findings)
    assert "from customer" in rendered(probed, "markdown")
    assert "from customer" not in rendered(covered, "markdown")
    assert "from customer" not in rendered(covered, "terminal")


def test_a_statement_can_be_the_largest_cost(probed: Report) -> None:
    paths = Paths(probed.analysis.run.project)
    assert phrases.nothing_found(probed, paths)[1] == (
        "Largest single cost: the statement select id, name from customer where id = ? from shop/views.py:35, "
        "60% of request time."
    )
    waits = replace(probed, analysis=replace(probed.analysis, uses=(), functions=probed.analysis.functions[-1:]))
    assert not NO_FILE.search(phrases.nothing_found(waits, paths)[1])


def test_equal_gaps_of_many_processes_are_one(server: Report) -> None:
    without = [
        Gap(f"requests and statements of process {pid} (gunicorn: worker)", "the probe did not start", "hand it on")
        for pid in range(811, 861)
    ]
    refused = [Gap(f"samples of process {pid}", "not allowed", f"perfkit doctor --pid {pid}") for pid in (7, 8)]
    one = Gap("the rest of process 9 (sh)", "its disk was full", "measure again")
    said = phrases.unchecked(replace(server, checks=(), gaps=(*without, *refused, one)))
    assert said == [
        "requests and statements of 50 processes (811, 812, 813, 814 and 46 more) (hand it on)",
        "samples of 2 processes (7, 8) (perfkit doctor --pid PID)",
        "the rest of process 9 (sh) (measure again)",
    ]


def test_fifty_different_gaps_do_not_fill_a_terminal(server: Report) -> None:
    many = tuple(Gap(f"thing {i}", f"reason {i}", f"remedy {i}") for i in range(50))
    report = replace(server, gaps=many)
    assert "more in the report" in " ".join(rendered(report, "terminal").split())
    assert "remedy 49" in rendered(report, "html")
