"""Wishes for calls: what ends them leaves the target as it was, and what it told whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_zoom_lines_watch import Target, until, write_wish

from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit_command import LONGEST
from zoomed_programs import Program


class CallsTarget(Target):
    def wish(self, number: int = 2, **changes: Any) -> None:
        super().wish(number, **{"what": "calls", **changes})

    def files(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.spool.glob("calls-*.json"))]

    def calls(self) -> int:
        """Of the one function, in the one file."""
        (told,) = self.files()
        return sum(
            calls for (_, _, name), callers in told["functions"] for _, (_, calls, _, _) in callers if name == "work"
        )


@pytest.fixture
def target(tmp_path: Path, some_python: str) -> Iterator[CallsTarget]:
    started = CallsTarget(tmp_path, some_python)
    yield started
    started.popen.kill()
    started.popen.communicate()


def test_it_ends_by_itself_and_the_wish_stands(target: CallsTarget) -> None:
    target.wish()
    until(lambda: target.files() and target.files()[0]["ended"] is not None)
    until(target.is_free)
    (path,) = target.spool.glob("calls-*")
    assert path.stat().st_mode & 0o777 == 0o600
    (told,) = target.files()
    assert (told["pid"], told["gaps"], told["requests"]) == (target.popen.pid, [], None)
    assert told["seconds"] >= 1.0
    assert target.calls() > 100
    # As long as it stands nothing begins anew.
    looks = time.monotonic() + 0.6
    until(lambda: time.monotonic() > looks)
    assert target.is_free() and target.files() == [told]
    assert target.end() == "ended True"


def test_its_owner_is_killed(target: CallsTarget) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    target.wish(owner=owner.pid)
    until(lambda: not target.is_free())
    owner.kill()
    until(target.is_free)
    owner.communicate()
    until(lambda: target.files() and target.files()[0]["ended"] is not None)
    assert target.end() == "ended True"


def test_its_spool_is_gone(target: CallsTarget) -> None:
    target.wish()
    until(lambda: not target.is_free())
    target.spool.rename(target.spool.with_name("elsewhere"))
    until(target.is_free)
    assert target.end() == "ended True"


def test_the_process_ends(target: CallsTarget) -> None:
    target.wish()
    until(lambda: not target.is_free())
    assert target.end() == "ended False"
    (told,) = target.files()
    assert told["ended"] is not None and target.calls() > 0
    assert not list(target.spool.glob("*.part"))


def test_lines_come_after_calls(target: CallsTarget) -> None:
    """One at a time: the wish with the higher number first, and the other one when it is taken back."""
    write_wish(target.spool, target.program, 1)
    target.wish(2)
    until(lambda: target.files() and target.files()[0]["ended"] is not None)
    assert not list(target.spool.glob("lines-*"))
    (target.spool / "zoom-2.json").unlink()
    until(lambda: list(target.spool.glob("lines-*.json")))
    assert len(target.files()) == 1
    (target.spool / "zoom-1.json").unlink()
    until(target.is_free)
    assert target.end() == "ended True"


SCRIPT = """
    import sys
    def part():
        pass
    def work():  # zoom 1
        part()
    for _ in range(7):
        work()
    def last():
        raise SystemExit(9)
    last()
"""


def test_a_script_is_counted_from_its_start_and_keeps_its_exit_code(tmp_path: Path, python: str) -> None:
    program = Program(tmp_path, SCRIPT)
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    write_wish(spool, program, 2, what="calls")
    path = os.pathsep.join(filter(None, [PROBE_FOLDER, os.environ.get("PYTHONPATH")]))
    added = {"PYTHONPATH": path, "PERFKIT_SPOOL": str(spool), "PERFKIT_TARGET_ZOOM": str(spool / "zoom-2.json")}
    words = [python, str(program.path)]
    done = subprocess.run(
        words, env={**os.environ, **added}, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (9, "", "")
    (told,) = (json.loads(path.read_text()) for path in spool.glob("calls-*.json"))
    edges = {
        (caller[2], name): numbers[1] for (_, _, name), callers in told["functions"] for caller, numbers in callers
    }
    assert edges == {("<module>", "work"): 7, ("work", "part"): 7}
    assert told["gaps"] == [] and told["ended"] is not None
