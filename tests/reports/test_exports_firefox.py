"""firefox: tables that fit together, as the Firefox Profiler's types say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions


def rendered(report: Report) -> dict[str, Any]:
    text = FORMATS.load("firefox")(report, RenderOptions())
    assert isinstance(text, str) and text == FORMATS.load("firefox")(report, RenderOptions())
    document: dict[str, Any] = json.loads(text)
    return document


def stacks(document: dict[str, Any]) -> list[list[tuple[str, str | None, int | None, str]]]:
    """Of each sample (function, file, line, category), root first."""
    shared, categories = document["shared"], document["meta"]["categories"]
    frames, functions, strings = shared["frameTable"], shared["funcTable"], shared["stringArray"]

    def frame(number: int) -> tuple[str, str | None, int | None, str]:
        function = frames["func"][number]
        source = functions["source"][function]
        file = None if source is None else strings[shared["sources"]["filename"][source]]
        return (
            strings[functions["name"][function]],
            file,
            frames["line"][number],
            categories[frames["category"][number]]["name"],
        )

    found = []
    for node in document["threads"][0]["samples"]["stack"]:
        stack = []
        while node is not None:
            stack.append(frame(shared["stackTable"]["frame"][node]))
            parent = shared["stackTable"]["prefix"][node]
            assert parent is None or parent < node, "parents come first"
            node = parent
        found.append(stack[::-1])
    return found


def tables(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [table for each in value for table in tables(each)]
    if not isinstance(value, dict):
        return []
    return ([value] if "length" in value else []) + [table for each in value.values() for table in tables(each)]


@pytest.mark.parametrize("case", ["server", "script", "probed", "hostile"])
def test_columns_of_a_table_are_of_one_length(case: str, request: pytest.FixtureRequest) -> None:
    found = tables(rendered(request.getfixturevalue(case)))
    assert len(found) == 8
    for table in found:
        assert {len(column) for column in table.values() if isinstance(column, list)} == {table["length"]}, table


def test_samples_are_stacks_with_their_milliseconds_one_after_the_other(server: Report) -> None:
    document = rendered(server)
    samples = document["threads"][0]["samples"]
    assert samples["weightType"] == "tracing-ms"
    assert samples["weight"] == pytest.approx([time.seconds * 1000 for time in server.analysis.times])
    ends = [at + weight for at, weight in zip(samples["time"], samples["weight"], strict=True)]
    assert samples["time"] == pytest.approx([0.0, *ends[:-1]])
    assert stacks(document)[0] == [
        ("main", "manage.py", 12, "Project code"),
        ("orders", "shop/views.py", 35, "Project code"),
        ("ForwardManyToOneDescriptor.__get__", "django/db/models/fields/related.py", 260, "Libraries"),
    ]


def test_lines_of_a_function_are_frames_of_one_function(server: Report) -> None:
    shared = rendered(server)["shared"]
    names = [shared["stringArray"][name] for name in shared["funcTable"]["name"]]
    assert names.count("report") == 1
    assert shared["frameTable"]["func"].count(names.index("report")) == 2


def test_routes_statements_and_waits_have_categories_and_no_file(probed: Report) -> None:
    found = {frame for stack in stacks(rendered(probed)) for frame in stack}
    assert ("GET /orders/<int:id>", None, None, "Requests") in found
    assert ("select id, name from customer where id = ?", None, None, "Database") in found
    assert ("wait for a connection: postgresql db:5432/shop", None, None, "Waiting") in found


def test_the_default_category_is_there_and_the_version_is_one_that_newer_ones_upgrade(server: Report) -> None:
    meta = rendered(server)["meta"]
    assert [each["name"] for each in meta["categories"] if each["color"] == "grey"] == ["Other"]
    assert meta["preprocessedProfileVersion"] == 60
    assert (meta["interval"], meta["startTime"]) == (5.0, server.analysis.run.started * 1000)


def test_hostile_text_is_harmless(hostile: Report) -> None:
    document = rendered(hostile)
    text = "".join(document["shared"]["stringArray"]) + document["meta"]["product"] + document["meta"]["platform"]
    assert "<img src=x" in text
    assert not {"\x1b", "\r", "\n", "\u202e"} & set(text)


def test_what_has_no_stacks_is_refused(server: Report, deterministic: Report) -> None:
    nothing = replace(server, analysis=replace(server.analysis, times=()))
    with pytest.raises(PerfkitError, match="no samples"):
        FORMATS.load("firefox")(nothing, RenderOptions())
    with pytest.raises(PerfkitError, match="cProfile"):
        FORMATS.load("firefox")(deterministic, RenderOptions())
