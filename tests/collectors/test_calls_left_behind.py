"""What a process left in the spool is read where it has the shape that a probe writes, and from regular files alone."""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from perfkit.collectors.calls import is_sound
from perfkit.collectors.hot_functions import HotFunction
from perfkit.collectors.left_behind import left_behind
from perfkit.collectors.wishes import write_wish

NAME = re.compile(r"calls-(\d+)-[0-9a-f]+\.json")
GOOD: dict[str, Any] = {
    "version": 1,
    "pid": 7,
    "began": 12.5,
    "ended": None,
    "seconds": 2.5,
    "timed": False,
    "requests": 3,
    "gaps": [["a", "b", "c"]],
    "functions": [[["/a.py", 5, "f"], [[None, [1, 1, None, None]], [["~", 0, "len"], [0, 7, None, None]]]]],
}


def read(folder: Path) -> list[tuple[int, dict[str, Any]]]:
    return list(left_behind(str(folder), NAME, is_sound))


def test_what_a_probe_writes(tmp_path: Path) -> None:
    (tmp_path / "calls-7-a1.json").write_text(json.dumps(GOOD))
    (tmp_path / "calls-8-b2.json").write_text(json.dumps({**GOOD, "ended": 15, "requests": None}))
    (tmp_path / "calls-9-c3.json.part").write_text(json.dumps(GOOD))
    (tmp_path / "lines-9-c3.json").write_text(json.dumps(GOOD))
    assert [pid for pid, _ in read(tmp_path)] == [7, 8]
    assert read(tmp_path)[0][1] == GOOD


BAD: dict[str, tuple[tuple[Any, ...], Any]] = {
    "another version": (("version",), 2),
    "never begun": (("began",), "1"),
    "a time that is none": (("began",), float("nan")),
    "a time without end": (("seconds",), 1e300),
    "true seconds": (("seconds",), True),
    "an end that is a text": (("ended",), "x"),
    "half a request": (("requests",), 0.5),
    "a gap of two": (("gaps", 0), ["a", "b"]),
    "a gap of numbers": (("gaps", 0), [1, 2, 3]),
    "no functions": (("functions",), None),
    "a function of one part": (("functions", 0), [["/a.py", 5, "f"]]),
    "a name that is none": (("functions", 0, 0, 2), 5),
    "a file that is none": (("functions", 0, 0, 0), None),
    "a line below zero": (("functions", 0, 0, 1), -1),
    "a caller without a line": (("functions", 0, 1, 1, 0), ["~", "len"]),
    "calls below zero": (("functions", 0, 1, 0, 1, 1), -1),
    "calls that are true": (("functions", 0, 1, 0, 1, 1), True),
    "more calls than can be": (("functions", 0, 1, 0, 1, 1), 2**60),
    "three numbers": (("functions", 0, 1, 0, 1), [1, 1, None]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_has_another_shape(case: str, tmp_path: Path) -> None:
    path, value = BAD[case]
    content = copy.deepcopy(GOOD)
    at: Any = content
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    (tmp_path / "calls-7-a1.json").write_text(json.dumps(content))
    assert read(tmp_path) == []


def test_what_is_no_file_of_a_probe(tmp_path: Path) -> None:
    (tmp_path / "calls-1-1.json").write_bytes(b"\xff{")
    (tmp_path / "calls-2-2.json").write_text("[" * 100_000)
    (tmp_path / "calls-3-3.json").write_text("[]")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(json.dumps(GOOD))
    (tmp_path / "calls-4-4.json").symlink_to(elsewhere)
    os.mkfifo(tmp_path / "calls-5-5.json")
    (tmp_path / "calls-6-6.json").mkdir()
    assert read(tmp_path) == []


def test_a_wish_names_files_as_the_target_does(tmp_path: Path) -> None:
    path = write_wish(tmp_path, "calls", (HotFunction("/home/me/src/shop.py", 5, 1.0),), (("/app", "/home/me/src"),))
    wish = json.loads(path.read_text())
    assert (wish["what"], wish["functions"], wish["owner"]) == ("calls", [["/app/shop.py", 5]], os.getpid())
    assert path.name == "zoom-2.json" and not list(tmp_path.glob("*.part"))
