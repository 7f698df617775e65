"""`--memory --tracemalloc`: lines by what they allocated and what stays, and what it is refused with."""

from __future__ import annotations

import sys

import pytest

from perfkit_command import Here

JOB = """\
import json, time
def work():
    rows = [json.loads('{"n": [%d, "row"]}' % n) for n in range(60_000)]
    names = ["name %d" % n * 20 for n in range(20_000)]
    until = time.monotonic() + 3
    while time.monotonic() < until:
        time.sleep(0.01)
    return len(rows) + len(names)
print(work())
"""


def test_what_a_script_holds_by_line(here: Here) -> None:
    (here.folder / "job.py").write_text(JOB)
    options = ("--memory", "--tracemalloc", "--tracemalloc-frames", "4")
    ended = here.run(sys.executable, "job.py", options=options)
    assert (ended.code, ended.out) == (0, b"80000\n"), ended.err
    assert "Allocated, and stays" in ended.err and "job.py:3 work()" in ended.err
    report = here.report()
    first = report["memory"]["allocations"][0]
    assert (first["file"], first["line"], first["function"]) == ("job.py", 3, "work")
    assert first["bytes"] > 4_000_000 and first["blocks"] > 60_000 and first["per_request"] is None
    assert any("tracemalloc was at work (4 frames" in gap["why"] for gap in report["gaps"])


def test_it_is_off_where_nobody_asks(here: Here) -> None:
    (here.folder / "job.py").write_text("import sys, time\ntime.sleep(1)\nprint('tracemalloc' in sys.modules)\n")
    ended = here.run(sys.executable, "job.py", options=("-q", "--memory"))
    assert ended.out == b"False\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--tracemalloc", "--", "true"), "--tracemalloc is a part of --memory"),
        (("run", "--memory", "--tracemalloc-frames", "2", "--", "true"), "--tracemalloc-frames needs --tracemalloc"),
        (("run", "--memory", "--tracemalloc", "--no-probe", "--", "true"), "--tracemalloc works inside the target"),
        (("run", "--memory", "--tracemalloc", "--tracemalloc-frames", "65", "--", "true"), "is out of range"),
        (("attach", "1", "--memory", "--tracemalloc"), "--tracemalloc works inside the target"),
    ],
)
def test_what_does_not_go_together(here: Here, words: tuple[str, ...], message: str) -> None:
    assert message in here(*words).error(2)
