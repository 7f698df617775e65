"""speedscope and collapsed: the measured stacks for other tools."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions, collapsed, speedscope


def test_speedscope_weighs_every_measured_second(server: Report) -> None:
    document = json.loads(speedscope.render(server, RenderOptions()))
    (profile,) = document["profiles"]
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "seconds", 0)
    assert sum(profile["weights"]) == pytest.approx(server.analysis.measured) == profile["endValue"]
    assert len(profile["samples"]) == len(profile["weights"]) == 6


def test_speedscope_frames_are_root_first_and_shortened(server: Report) -> None:
    document = json.loads(speedscope.render(server, RenderOptions()))
    frames = document["shared"]["frames"]
    first = [frames[i] for i in document["profiles"][0]["samples"][0]]
    assert [frame["name"] for frame in first] == ["main", "orders", "ForwardManyToOneDescriptor.__get__"]
    assert first[1] == {"name": "orders", "file": "shop/views.py", "line": 35}
    assert first[2]["file"] == "django/db/models/fields/related.py"


def test_collapsed_lines_are_microseconds(server: Report) -> None:
    lines = collapsed.render(server, RenderOptions()).splitlines()
    assert "main (manage.py:12);report (shop/views.py:48) 700000" in lines
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == round(server.analysis.measured * 1e6)
    assert lines == sorted(lines)


def test_collapsed_merges_equal_stacks_and_drops_empty_ones(server: Report) -> None:
    times = [replace(time, stack=server.analysis.times[0].stack, seconds=2.0) for time in server.analysis.times[:2]]
    times.append(replace(server.analysis.times[2], seconds=1e-9))
    report = replace(server, analysis=replace(server.analysis, times=tuple(times)))
    (line,) = collapsed.render(report, RenderOptions()).splitlines()
    assert line.endswith(" 4000000")


def test_a_hostile_name_is_one_frame_on_one_line(hostile: Report) -> None:
    lines = sorted(collapsed.render(hostile, RenderOptions()).splitlines(), key=len)
    assert [(line.count(";"), line.rpartition(" ")[2]) for line in lines] == [
        (0, "2000000"),  # the function alone
        (1, "500000"),  # route and pool
        (2, "1000000"),  # route, function, statement
    ]


@pytest.mark.parametrize("form", ["speedscope", "collapsed"])
def test_a_deterministic_profile_has_no_stacks_to_export(form: str, deterministic: Report) -> None:
    with pytest.raises(PerfkitError) as failure:
        FORMATS.load(form)(deterministic, RenderOptions())
    assert "cProfile" in failure.value.message
    assert "py-spy" in failure.value.hint


@pytest.mark.parametrize("form", ["speedscope", "collapsed"])
def test_a_recording_without_samples_is_refused(form: str, server: Report) -> None:
    nothing = replace(server, analysis=replace(server.analysis, times=()))
    with pytest.raises(PerfkitError, match="no samples"):
        FORMATS.load(form)(nothing, RenderOptions())


@pytest.mark.parametrize("form", ["terminal", "concise", "json", "markdown", "html"])
def test_every_other_format_works_from_a_deterministic_profile(form: str, deterministic: Report) -> None:
    assert "Quadratic loop" in FORMATS.load(form)(deterministic, RenderOptions())
