"""`--calls`: exact calls of the hottest functions, who makes them and what they make, beside samples that rank."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from typing import Any

import pytest

from perfkit_command import Here, interpreter

JOB = """\
def leaf(n):
    return n * 2


def twig(n):
    total = 0
    for i in range(n):
        total += leaf(i) + sum(range(400))
    return total


def main():
    for _ in range({turns}):
        twig(500)
    print("done", flush=True)


main()
"""
SERVER = """\
from flask import Flask

app = Flask(__name__)


def priced(n):
    return sum(i * i for i in range(40)) + n


@app.get("/list")
def listed():
    return str([priced(n) for n in range(30)])
"""


@pytest.fixture(params=("3.9", "3.13"))
def python(request: pytest.FixtureRequest) -> str:
    return interpreter(request.param)


def calls_of(report: dict[str, Any], function: str) -> dict[str, Any]:
    (found,) = (one for one in report["calls"] if one["function"] == function)
    return dict(found)


def test_a_short_script_runs_once_more_for_its_calls(here: Here, python: str) -> None:
    (here.folder / "job.py").write_text(JOB.format(turns=400))
    ended = here.run(python, "job.py", options=("--calls",))
    assert (ended.code, ended.text) == (0, "done\ndone\n"), ended.err
    assert "counts the calls" in ended.err
    report = here.report()
    twig = calls_of(report, "twig")
    assert [(one["function"], one["calls"]) for one in twig["callers"]] == [("main", 400)]
    assert {one["function"]: one["calls"] for one in twig["callees"]}["leaf"] == 400 * 500
    assert [gap for gap in report["gaps"] if "calls" in gap["what"]] == []
    # Samples rank, and calls say why.
    assert re.search("Called (400|200,000) times", ended.err), ended.err


def test_a_server_is_sampled_first_and_counted_in_the_same_run(here: Here) -> None:
    (here.folder / "shop.py").write_text(SERVER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = (sys.executable, "-m", "gunicorn", "--no-control-socket", "-b", f"127.0.0.1:{port}", "shop:app")
    ended = here.run(*words, options=("-q", "--calls", "-d8", f"--load=http://127.0.0.1:{port}/list"))
    assert ended.code == 0, ended.err
    counted = calls_of(here.report(), "priced")
    assert counted["per_request"] == pytest.approx(30, rel=0.05)
    assert [one["function"].partition(".")[0] for one in counted["callers"]] == ["listed"]


def test_in_a_process_that_runs(here: Here, python: str) -> None:
    (here.folder / "job.py").write_text(JOB.format(turns=10**7))
    with subprocess.Popen([python, "job.py"], cwd=here.folder) as popen:
        try:
            ended = here("attach", str(popen.pid), "--calls", "--yes", "-d7", "-q")
            assert ended.code == 0, ended.err
            twig = calls_of(here.report(), "twig")
            assert {one["function"] for one in twig["callers"]} == {"main"}
            # Of a call that was under way when counting began, or ended, a part may be missing.
            leaves = {one["function"]: one["calls"] for one in twig["callees"]}["leaf"]
            assert leaves == pytest.approx(twig["calls"] * 500, abs=1000)
            assert popen.poll() is None
        finally:
            popen.kill()


def test_zoom_counts_calls_of_what_a_recording_ranks(here: Here) -> None:
    (here.folder / "job.py").write_text(JOB.format(turns=400))
    assert here.run(sys.executable, "job.py", options=("-q",)).code == 0
    ended = here("zoom", "latest", "--calls", "-q")
    assert ended.code == 0, ended.err
    assert calls_of(here.report(), "twig")["calls"] == 400


def test_one_tracer_at_a_time(here: Here) -> None:
    assert "do not count at once" in here.run(sys.executable, "-c", "0", options=("--calls", "--lines")).error(2)
    assert "leave out --no-probe" in here.run(sys.executable, "-c", "0", options=("--calls", "--no-probe")).error(2)
