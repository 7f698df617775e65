"""Promise: the target's output, exit code, signals and tracebacks are its own; perfkit's words go to stderr."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit.recordings import load
from perfkit.shared import processes
from perfkit_command import PROGRAMS, Here, Terminal, clean_environment, program

RUN = [str(Path(sys.executable).with_name("perfkit")), "run", "--"]


def without_perfkit(words: list[str], folder: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, cwd=folder, input=stdin, capture_output=True, env=clean_environment(), check=False)


def test_streams_and_code_are_those_without_perfkit(here: Here) -> None:
    words = [*program("speaks.py"), "3", "a b", "ü"]
    alone = without_perfkit(words, here.folder, b"from stdin")
    ended = here.run(*words, stdin=b"from stdin")
    assert ended.code == alone.returncode == 3
    assert ended.out == alone.stdout
    assert b"from stdin" in ended.out
    assert alone.stderr.decode() in ended.err


def test_quiet_and_without_findings_stderr_is_still_the_targets(here: Here) -> None:
    ended = here.run(*program("speaks.py"), "0", options=["--quiet"])
    assert ended.err.startswith("a word on stderr\n")


def test_a_traceback_is_the_same(here: Here) -> None:
    alone = without_perfkit(program("raises.py"), here.folder)
    ended = here.run(*program("raises.py"))
    assert ended.code == alone.returncode == 1
    assert alone.stderr.decode() in ended.err
    assert ended.err.count("Traceback") == 1


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGUSR1])
def test_death_by_a_signal_is_128_and_more(here: Here, number: signal.Signals) -> None:
    ended = here.run(*program("crash.py"), str(int(number)))
    assert ended.code == 128 + number
    assert "samples" in ended.err, "what it did before is reported"
    assert here.report()["run"]["exit_code"] == 128 + number


def test_an_exit_without_clean_up(here: Here) -> None:
    ended = here.run(*program("os_exit.py"))
    assert (ended.code, ended.text) == (5, "leaving\n")
    assert here.findings()


def test_forks_are_measured_and_their_codes_arrive(here: Here) -> None:
    ended = here.run(*program("forks.py"))
    assert (ended.code, ended.text) == (0, "[0, 7]\n")
    found = load(here.recordings[0])
    assert len(found.processes) == 3
    assert any(finding["where"]["function"] == "compute_in_child" for finding in here.findings())


def test_spawned_workers_are_measured(here: Here) -> None:
    ended = here.run(*program("spawns.py"))
    assert (ended.code, ended.text) == (0, "[1, 2]\n")
    assert any(finding["where"]["function"] == "compute_in_worker" for finding in here.findings())


def test_threads_are_measured(here: Here) -> None:
    ended = here.run(*program("threads.py"))
    assert (ended.code, ended.text) == (0, "joined\n")
    assert any(finding["where"]["function"] == "compute" for finding in here.findings())


def test_recursion_is_one_place(here: Here) -> None:
    assert here.run(*program("recursion.py")).code == 0
    first = here.findings()[0]
    assert first["where"]["function"] == "descend"
    assert first["cost"]["share"] <= 1


def test_names_beyond_ascii(here: Here) -> None:
    ended = here.run(*program("größe_計算.py"))
    assert ended.code == 0
    assert "zähle_数()" in ended.err
    assert here.findings()[0]["where"]["function"] == "zähle_数"
    assert Path(str(here.findings()[0]["where"]["file"])).name == "größe_計算.py"


def test_a_screen_that_knows_only_ascii(here: Here) -> None:
    words = ["env", "PYTHONUTF8=1", *program("größe_計算.py")]
    ended = here.run(*words, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert ended.code == 0, ended.err
    assert "z\\xe4hle_" in ended.err
    assert "Traceback" not in ended.err
    assert ended.err.isascii()


def test_a_daemon_that_the_target_leaves_behind_lives_on(here: Here) -> None:
    file = here.folder / "daemon.pid"
    assert here.run(*program("daemon_child.py"), str(file)).code == 0
    daemon = int(file.read_text())
    try:
        assert processes.alive(daemon)
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_the_targets_environment_and_folder_are_its_own(here: Here) -> None:
    """But for what leads the probe into its children: it says so in its own variables, and comes last on the path."""
    code = "import json, os, time, sys\nprint(json.dumps([dict(os.environ), os.getcwd(), sys.path, sys.argv]), flush=True)\n"
    code += "while time.process_time() < 0.4: sum(range(1000))"
    words = [sys.executable, "-c", code]
    bare = json.loads(without_perfkit(words, here.folder).stdout)
    assert json.loads(here.run(*words, options=["--no-probe"]).out) == bare
    environment, folder, path, arguments = json.loads(here.run(*words).out)
    probe = path.pop()
    assert probe.endswith("perfkit/probe")
    assert environment.pop("PYTHONPATH").split(os.pathsep)[0] == probe
    brought = {name for name in environment if name not in bare[0]}
    assert brought == {"PERFKIT_SPOOL", "PERFKIT_TARGET_PROBE", "PERFKIT_TARGET_PROJECT"}
    bare[0].pop("PYTHONPATH", None)
    assert [{name: environment[name] for name in bare[0]}, folder, path, arguments] == bare


def test_no_escape_codes_without_a_terminal(here: Here) -> None:
    ended = here.run(*program("computes.py"))
    assert "\x1b" not in ended.err
    for words in (["report"], ["rule"], ["list"], ["doctor"], ["--help"], ["run", "--help"]):
        shown = here(*words)
        assert "\x1b" not in shown.text + shown.err, words


def test_colour_on_a_terminal_and_none_with_no_color(here: Here, terminal: Callable[..., Terminal]) -> None:
    for command in ([*RUN, *program("quadratic.py")], [RUN[0], "report"], [RUN[0], "doctor"]):
        colored = terminal(command, here.folder)
        assert colored.end() == 0
        assert "\x1b[3" in colored.shown, command
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = terminal([RUN[0], "report"], here.folder, **environment)
        assert plain.end() == 0
        assert "\x1b" not in plain.shown
    assert "\x1b[3" in here("report", "--color", "always").text
    assert "\x1b" not in here("report", NO_COLOR="1").text


def test_readers_that_leave_early(here: Here) -> None:
    assert here.run(*program("computes.py")).code == 0
    for format in ("json", "html", "terminal", "collapsed"):
        shell = f"set -o pipefail; perfkit report --format {format} | head -c 1"
        done = subprocess.run(
            ["bash", "-c", shell], cwd=here.folder, capture_output=True, env=clean_environment(), check=False
        )
        assert done.returncode in (0, 141)
        assert done.stderr == b""


def test_streams_that_are_closed_or_full(here: Here) -> None:
    assert here.run(*program("computes.py")).code == 0

    def shell(line: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["sh", "-c", line], cwd=here.folder, capture_output=True, env=clean_environment())

    closed = shell("perfkit report >&-")
    assert (closed.returncode, closed.stderr) == (0, b"")
    if Path("/dev/full").exists():
        full = shell("perfkit report > /dev/full")
        assert full.returncode == 125
        assert b"error: the output cannot be written: No space left on device." in full.stderr
    silent = shell(f"perfkit run -- {sys.executable} {PROGRAMS}/computes.py 2>&-")
    assert (silent.returncode, silent.stdout) == (0, b"computed\n")


def test_a_report_into_a_device_leaves_the_device(here: Here) -> None:
    assert here.run(*program("computes.py")).code == 0
    pipe = here.folder / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    assert here("report", "--format", "html", "-o", "pipe").code == 0
    out, _ = reader.communicate()
    assert re.match(rb"<!doctype html>", out)
    assert pipe.is_fifo()
