"""`perfkit attach --lines`: what counts is brought into a process that runs, and is gone when measuring ends, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from perfkit_command import CONSOLE_SCRIPT, PYENV, Here, Terminal

SERVES = """\
import os, sys, time


def slow(rows):
    total = 0
    for row in rows:
        total += len(str(row))
    return total


def state():
    monitoring = getattr(sys, "monitoring", None)
    tools = [] if monitoring is None else [n for n in range(6) if monitoring.get_tool(n)]
    return "%s %s %s" % (slow.__code__ is CODE, tools, slow(range(100)))


CODE = slow.__code__
print("up", flush=True)
while not os.path.exists("end"):
    slow(range(20_000))
    with open("state.part", "w") as file:
        file.write(state())
    os.replace("state.part", "state")
sys.exit(7)
"""
CLEAN = "True [] 190"


def pythons() -> list[object]:
    found = {".".join(path.name.split(".")[:2]): path / "bin/python" for path in sorted(PYENV.glob("3.*"))}
    return [
        pytest.param(
            str(found.get(name, "")),
            id=name,
            marks=[] if name in found else pytest.mark.skip(reason=f"Python {name} is not installed"),
        )
        for name in ("3.9", "3.13")
    ]


@pytest.fixture(params=pythons())
def target(request: pytest.FixtureRequest, here: Here) -> Iterator[subprocess.Popen[bytes]]:
    (here.folder / "serves.py").write_text(SERVES)
    with subprocess.Popen([request.param, "serves.py"], cwd=here.folder, stdout=subprocess.PIPE) as popen:
        try:
            assert popen.stdout is not None and popen.stdout.readline() == b"up\n"
            yield popen
        finally:
            popen.kill()


def becomes(here: Here, clean: bool, limit: float = 20.0) -> bool:
    """Whether the target says so before the limit."""
    state, end = here.folder / "state", time.monotonic() + limit
    while time.monotonic() < end:
        if state.exists() and (state.read_text() == CLEAN) is clean:
            return True
        time.sleep(0.05)
    return False


def end_of(target: subprocess.Popen[bytes], here: Here) -> int:
    (here.folder / "end").touch()
    return target.wait(20)


def test_its_lines_are_counted_and_nothing_stays(here: Here, target: subprocess.Popen[bytes]) -> None:
    ended = here("attach", str(target.pid), "--lines", "--yes", "-d4", "-q", "-o", "lines.perfkit")
    assert ended.code == 0, ended.err
    (zoomed,) = (one for one in here.report("lines.perfkit")["lines"] if one["function"] == "slow")
    hits = {line["line"]: line["hits"] for line in zoomed["lines"]}
    # Of a call that was under way when counting began, or ended, a part is missing.
    assert zoomed["calls"] > 4
    assert hits[7] == pytest.approx(hits[6], rel=0.01)
    assert hits[7] > hits[5] * 100
    assert becomes(here, clean=True)
    assert end_of(target, here) == 7


def test_it_is_gone_when_perfkit_is_killed(here: Here, target: subprocess.Popen[bytes]) -> None:
    assert becomes(here, clean=True)
    perfkit = here.start("attach", str(target.pid), "--lines", "--yes", "-d12", "-q", "-o", "lines.perfkit")
    assert becomes(here, clean=False)
    os.kill(perfkit.pid, signal.SIGKILL)
    perfkit.wait(10)
    assert becomes(here, clean=True)
    assert end_of(target, here) == 7


def test_a_recording_is_zoomed_into_where_its_process_still_runs(here: Here, target: subprocess.Popen[bytes]) -> None:
    assert here("attach", str(target.pid), "-d3", "-q", "-o", "first.perfkit").code == 0
    assert here.report("first.perfkit")["lines"] == []
    ended = here("zoom", "first.perfkit", "--attach", str(target.pid), "--yes", "-d3", "-q")
    assert ended.code == 0, ended.err
    assert "slow" in {one["function"] for one in here.report("first.perfkit")["lines"]}
    assert becomes(here, clean=True)
    assert "two targets" in here("zoom", "first.perfkit", "--attach", str(target.pid), "--", "python").error(2)


def test_nobody_is_asked_where_nobody_is_there(here: Here, target: subprocess.Popen[bytes]) -> None:
    said = here("attach", str(target.pid), "--lines").error(2)
    assert "add --yes" in said


def test_a_person_is_told_and_asked(here: Here, target: subprocess.Popen[bytes]) -> None:
    terminal = Terminal([str(CONSOLE_SCRIPT), "attach", str(target.pid), "--lines"], here.folder)
    try:
        shown = terminal.read_until(r"Go on\?")
        assert "for some milliseconds" in shown and "taken out again" in shown
        terminal.type("n\n")
        assert terminal.end() == 2
        assert "nothing was brought in" in terminal.shown
    finally:
        terminal.close()
