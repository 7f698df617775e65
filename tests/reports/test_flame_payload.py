"""The data block of the flame graph: merged, cut, preorder, and the same bytes each time."""

from __future__ import annotations

import gzip
import json
from array import array
from base64 import b64decode
from dataclasses import replace
from typing import Any

from perfkit.model.analysis import Analysis, StackTime
from perfkit.model.recording import Frame, StackTable
from perfkit.model.report import Report
from perfkit.reports.html.flame import WHOLE, payload
from perfkit.reports.relative import Paths

Row = tuple[int, str, int, int]


def unpack(analysis: Analysis) -> tuple[list[Row], dict[str, Any]]:
    raw = gzip.decompress(b64decode(payload(analysis, Paths(analysis.run.project))))
    n = int.from_bytes(raw[:4], "little")
    columns = [array("I", raw[4 + 4 * n * i : 4 + 4 * n * (i + 1)]) for i in range(4)]
    meta = json.loads(raw[4 + 16 * n :])
    rows = [(depth, meta["names"][name][0], own, total) for depth, name, own, total in zip(*columns, strict=True)]
    return rows, meta


def test_rows_are_preorder_with_heavier_siblings_first(server: Report) -> None:
    rows, meta = unpack(server.analysis)
    assert [(depth, name, total * 10 / WHOLE) for depth, name, _, total in rows] == [
        (0, "(all requests)", 10.0),
        (1, "main", 10.0),
        (2, "orders", 6.6),
        (3, "ForwardManyToOneDescriptor.__get__", 5.5),
        (3, "QuerySet.get", 1.1),
        (4, "Query.add_q", 1.1),
        (2, "page", 2.5),
        (3, "JSONEncoder.encode", 1.5),
        (3, "Template.__init__", 1.0),
        (2, "report", 0.9),
    ]
    assert meta["seconds"] == 10.0


def test_the_lines_of_a_function_fall_together_but_files_do_not(server: Report) -> None:
    rows, meta = unpack(server.analysis)
    assert [own for _, name, own, _ in rows if name == "report"] == [round(0.09 * WHOLE)]
    assert ["orders", "shop/views.py", "app"] in meta["names"]
    assert ["Template.__init__", "django/template/base.py", "library"] in meta["names"]


def test_self_and_children_add_up_to_the_total(server: Report) -> None:
    rows, _ = unpack(server.analysis)
    for i, (depth, _, own, total) in enumerate(rows):
        inside = 0
        for below, _, _, weight in rows[i + 1 :]:
            if below <= depth:
                break
            inside += weight if below == depth + 1 else 0
        assert abs(own + inside - total) <= len(rows)


def _analysis(server: Report, weights: dict[str, float]) -> Analysis:
    table = StackTable()
    times = [
        StackTime(
            table.intern(tuple(Frame(name, "/srv/shop/a.py", 1, "app") for name in stack.split(";"))),
            *(seconds, 1, None, 0, "running", {}),
        )
        for stack, seconds in weights.items()
    ]
    return replace(server.analysis, stacks=table, times=tuple(times))


def test_nodes_below_a_ten_thousandth_are_cut_with_their_names(server: Report) -> None:
    rows, meta = unpack(_analysis(server, {"a;b": 1.0, "a;small;leaf": 0.00009, "a;kept": 0.00011}))
    assert [name for _, name, _, _ in rows] == ["(all requests)", "a", "b", "kept"]
    assert len(meta["names"]) == 4


def test_a_recursion_of_ten_thousand_frames_is_no_problem(server: Report) -> None:
    rows, _ = unpack(_analysis(server, {";".join(["f"] * 10_000): 1.0}))
    assert len(rows) == 10_001
    assert rows[-1][0] == 10_000


def test_the_same_analysis_gives_the_same_bytes(server: Report) -> None:
    paths = Paths(server.analysis.run.project)
    assert payload(server.analysis, paths) == payload(server.analysis, paths)
    assert b64decode(payload(server.analysis, paths))[4:8] == bytes(4)
