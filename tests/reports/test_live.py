"""The last seconds of a process as a picture: nothing of a stranger's steers the terminal, nothing is too wide."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.live import line, picture


@pytest.mark.parametrize("width", [40, 72, 90])
@pytest.mark.parametrize("report", ["server", "empty", "script", "hostile", "probed", "long_names"])
def test_nothing_is_wider_than_the_screen_or_steers_it(report: str, width: int, request: pytest.FixtureRequest) -> None:
    shown = picture(request.getfixturevalue(report), RenderOptions(width=width))
    assert max(map(cell_len, shown.split("\n"))) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)


@pytest.mark.parametrize("report", ["server", "empty", "script", "hostile", "probed"])
def test_one_line_is_one_line(report: str, request: pytest.FixtureRequest) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line(request.getfixturevalue(report)))


def test_what_a_server_does(probed: Report) -> None:
    shown = picture(probed, RenderOptions(width=90))
    for title in ("Requests", "Statements", "Lines"):
        assert re.search(rf"^{title} ", shown, re.MULTILINE), shown
    first = next(one for one in probed.analysis.endpoints if one.source == "probe")
    assert first.endpoint in shown


def test_ascii_and_colour_only_where_asked_for(server: Report) -> None:
    assert picture(server, RenderOptions(unicode=False)).isascii()
    assert "\x1b[1m" in picture(server, RenderOptions(color=True))
