"""Pages in Chromium: no error, flame graphs that keys and the mouse reach, what can be chosen is shown, in light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from gate_verdicts import ORDERS, failing

from browser import Browser
from perfkit.model.difference import Sampled
from perfkit.model.recording import Request
from perfkit.model.report import Report
from perfkit.pipeline.diffing import difference
from perfkit.pipeline.reporting import report_on
from perfkit.reports import DIFF_FORMATS, FORMATS, GATE_FORMATS, RenderOptions
from recordings_from_text import recording_of

pytestmark = pytest.mark.real
ROUTE = "flask>; route:{0}@<perfkit>:1; "
LINE = "document.getElementById('flame-line').textContent"
SIDE = "document.querySelector('input[name=flame-side]:checked').value"
FOCUS = "document.activeElement.id || document.activeElement.value || ''"
# How many dots of the canvas have this colour of the style sheet.
DOTS = """(() => {{
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--{0}").trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data, canvas = document.getElementById("flame-canvas");
  const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let i = 0; i < dots.length; i += 4) found += dots[i] === r && dots[i + 1] === g && dots[i + 2] === b;
  return found;
}})()"""


def _side(work: int, old: int) -> Report:
    orders, page = ROUTE.format("GET /orders"), ROUTE.format("GET /page")
    text = f"{orders}orders@shop.py:35; work@shop.py:80 {work}\n{page}page@shop.py:60 400\n"
    text += f"{orders}orders@shop.py:35; old@shop.py:90 {old}\n" if old else ""
    seconds = (work + old + 400) / 20_000
    requests = [
        Request(name, (2 * n + k) * seconds, seconds, 200, "probe", 1, 2 * n + k + 1, "wsgi", seconds)
        for n in range(100)
        for k, name in enumerate(("GET /orders", "GET /page"))
    ]
    return report_on(recording_of(text, requests=requests))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Browser]]:
    """One browser for all pages: it takes seconds to start."""
    with ExitStack() as stack:
        yield cache(lambda program: stack.enter_context(Browser(program, tmp_path_factory.mktemp("browser"))))


@pytest.fixture
def browser(requires: Callable[..., str], started: Callable[[str], Browser]) -> Browser:
    opened = started(requires("chromium", "chromium-browser", "google-chrome"))
    opened.complaints.clear()
    opened.dark(False)
    opened.resize(1440, 1200)
    return opened


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    file = tmp_path / "diff.html"
    file.write_text(DIFF_FORMATS.load("html")(difference(_side(400, 300), _side(1200, 0)), RenderOptions()))
    return file


def _open(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.wait("document.getElementById('flame-canvas').style.height")


def _press(browser: Browser, *keys: str) -> None:
    for key in keys:
        browser.press(key)


def test_slower_is_red_faster_is_blue_in_light_and_dark(browser: Browser, compared: Path) -> None:
    for dark in (False, True):
        browser.dark(dark)
        _open(browser, compared)
        browser.wait(f"{DOTS.format('slower-3')} > 1000")
        assert not browser.says(DOTS.format("faster-2"))
        browser.says("document.querySelector('input[value=baseline]').click()")
        browser.wait(f"{DOTS.format('faster-2')} > 1000")
    assert browser.complaints == []


def test_keys_reach_all_that_can_be_chosen(browser: Browser, compared: Path) -> None:
    _open(browser, compared)
    browser.says("document.getElementById('flame-tree').focus()")
    reached = []
    for _ in range(4):
        browser.press("Tab")
        reached.append(browser.says(FOCUS))
    assert reached == ["current", "flame-search", "flame-reset", "flame-canvas"]
    _press(browser, "ArrowDown", "ArrowDown")
    assert browser.says(LINE).startswith("orders · shop.py · ")
    browser.press("ArrowDown")
    assert browser.says(LINE).startswith("work · shop.py · 20.0 ms → 60.0 ms per request · +40.0 ms (chance is up to ±")
    _press(browser, "Enter", "Escape")
    assert browser.says(LINE).startswith("(all requests) · ")
    browser.press("/")
    assert browser.says(FOCUS) == "flame-search"
    _press(browser, *"work")
    assert browser.says(LINE) == "1 name matches, 75% of the time after"


def test_widths_of_before_show_what_is_gone(browser: Browser, compared: Path) -> None:
    _open(browser, compared)
    browser.says("document.getElementById('flame-canvas').focus()")
    _press(browser, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight")
    assert "work" in browser.says(LINE)  # what is gone has no width after, and no key leads to it
    browser.says("document.querySelector('input[value=current]').focus()")
    browser.press("ArrowRight")
    assert browser.says(SIDE) == "baseline"
    browser.says("document.getElementById('flame-canvas').focus()")
    browser.press("ArrowRight")
    assert browser.says(LINE).startswith("old · shop.py · 15.0 ms → 0 ms per request · −15.0 ms, is gone")
    assert browser.complaints == []


def test_an_endpoint_can_be_chosen(browser: Browser, compared: Path) -> None:
    _open(browser, compared)
    assert browser.says("[...document.getElementById('flame-tree').options].map(o => o.text).join()") == (
        "all requests,GET /orders,GET /page"
    )
    browser.says("document.getElementById('flame-tree').focus()")
    browser.press("ArrowDown")
    browser.wait(f"{LINE}.startsWith('(GET /orders)')")
    browser.press("ArrowDown")
    browser.wait(f"{LINE}.startsWith('(GET /page)')")
    assert "within chance" in browser.says(LINE)


def test_a_click_zooms_and_another_one_leaves(browser: Browser, compared: Path) -> None:
    _open(browser, compared)
    browser.says("document.getElementById('flame-canvas').scrollIntoView()")
    x, y = browser.says("(({x, y}) => [x, y])(document.getElementById('flame-canvas').getBoundingClientRect())")
    browser.click(x + 10, y + 3 * 19 + 8)
    assert browser.says(LINE).startswith("work · ")
    browser.wait(f"{DOTS.format('root')} === 0")
    browser.click(x + 10, y + 8)
    assert browser.says(LINE).startswith("(all requests) · ")


def test_no_page_is_wider_than_a_telephone(browser: Browser, compared: Path, tmp_path: Path) -> None:
    verdict = tmp_path / "gate.html"
    verdict.write_text(GATE_FORMATS.load("html")(failing(), RenderOptions()))
    for width in (390, 1440):
        browser.resize(width, 900)
        for page in (compared, verdict):
            browser.open(page)
            assert browser.says("document.documentElement.scrollWidth") <= width


def test_a_verdict_and_a_report_open_without_complaints(browser: Browser, server: Report, tmp_path: Path) -> None:
    from perfkit.analysis.difference_tree import tree

    sides = _side(400, 300).analysis, _side(1200, 0).analysis
    verdict = replace(failing(), sampled=(Sampled(ORDERS, "request", (), 3, tree(*sides, "GET /orders")),))
    texts = {
        "gate": GATE_FORMATS.load("html")(verdict, RenderOptions()),
        "report": FORMATS.load("html")(server, RenderOptions()),
    }
    for name, text in texts.items():
        file = tmp_path / f"{name}.html"
        assert isinstance(text, str)
        file.write_text(text)
        _open(browser, file)
        browser.says("document.getElementById('flame-canvas').focus()")
        _press(browser, "ArrowDown", "Enter", "Escape")
        assert "ms" in browser.says(LINE)
    assert browser.complaints == []
