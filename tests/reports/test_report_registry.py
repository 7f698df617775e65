"""Every format is registered, loads, and is a function of the report alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import perfkit.reports
from perfkit.errors import USAGE, PerfkitError
from perfkit.reports import DIFF_FORMATS, FORMATS, GATE_FORMATS, RenderOptions

SHARED = {
    "gate_explain",
    "gate_history",
    "gate_history_svg",
    "__init__",
    "brief",
    "chrome_lanes",
    "gate_calibration",
    "gate_schema",
    "headline",
    "in_test",
    "interface",
    "labels",
    "phrases",
    "pprof_wire",
    "queries",
    "relative",
    "samples",
    "schema",
    "stacks",
} | {
    "call_text",
    "json_calls",
    "json_memory",
    "json_queries",
    "line_text",
    "live",
    "log_text",
    "memory_text",
    "plan_text",
    "plans",
    "schema_calls",
    "schema_memory",
    "schema_parts",
    "schema_queries",
    "visible",
    "wrapping",
}
NAMES = ("terminal", "concise", "json", "markdown", "html", "speedscope", "collapsed")
# What they show is not in every recording; tests of their own say what they write.
EXPORTS = ("pstats", "pprof", "chrome", "firefox", "lprof", "mprof")


def test_the_registry_holds_the_formats() -> None:
    assert tuple(FORMATS)[: len(NAMES + EXPORTS)] == NAMES + EXPORTS


def test_every_file_of_the_room_is_registered_or_shared() -> None:
    room = Path(perfkit.reports.__file__).parent
    modules = {FORMATS.load(name).__module__.split(".")[2] for name in NAMES + EXPORTS}
    modules |= {GATE_FORMATS.load(name).__module__.split(".")[2] for name in GATE_FORMATS}
    modules |= {DIFF_FORMATS.load(name).__module__.split(".")[2] for name in DIFF_FORMATS}
    assert {path.stem for path in room.iterdir() if path.name != "__pycache__"} == modules | SHARED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", ["server", "script", "hostile", "long_names"])
def test_a_format_gives_the_same_text_twice_and_it_can_be_written(
    name: str, case: str, request: pytest.FixtureRequest
) -> None:
    report = request.getfixturevalue(case)
    text = FORMATS.load(name)(report, RenderOptions())
    assert text == FORMATS.load(name)(report, RenderOptions())
    assert text.endswith("\n")
    assert text.encode("utf-8")


def test_an_unknown_name_is_a_users_mistake_with_a_suggestion() -> None:
    with pytest.raises(PerfkitError) as failure:
        FORMATS.load("markdwn")
    assert failure.value.exit_code == USAGE
    assert "markdown" in failure.value.hint
