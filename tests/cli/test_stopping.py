"""Ctrl-C, SIGTERM, SIGKILL, --duration and --while: what ends a run, how the target ends, and what is kept."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from perfkit.recordings import load
from perfkit.shared import processes
from perfkit_command import CONSOLE_SCRIPT, Here, Terminal, clean_environment, program

Eventually = Callable[[Callable[[], bool]], bool]


def said(popen: subprocess.Popen[bytes]) -> str:
    assert popen.stdout
    return popen.stdout.readline().decode().strip()


def has_samples(here: Here, number: int = 0) -> bool:
    """Whether the recording of that number, counted from 0, has any yet. An empty file is one that was only reserved."""
    kept = here.recordings
    return len(kept) > number and kept[number].stat().st_size > 0 and len(load(kept[number]).samples) > 0


def test_ctrl_c_reaches_the_target_once(here: Here, terminal: Callable[..., Terminal], eventually: Eventually) -> None:
    running = terminal([str(CONSOLE_SCRIPT), "run", "--", *program("endless.py")], here.folder)
    running.read_until("Ctrl-C to stop and report")
    assert eventually(lambda: has_samples(here))
    running.type("\x03")
    assert running.end() == 130
    assert "1 SIGINT" in running.shown
    assert "Traceback" not in running.shown
    assert "compute" in running.shown or "endless.py" in running.shown
    assert here.report()["run"]["stopped_by"] == "signal"


def test_sigterm_stops_the_target_gently_saves_and_reports(here: Here, eventually: Eventually) -> None:
    running = here.start("run", "--", *program("computes.py"), "1000")
    assert eventually(lambda: has_samples(here))
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM, err
    assert b"compute()" in err
    assert load(here.recordings[0]).run.sealed


def test_sigterm_again_ends_a_target_that_does_not_want_to(here: Here, eventually: Eventually) -> None:
    running = here.start("run", "--", *program("ignores_sigterm.py"))
    target = int(said(running))
    assert eventually(lambda: has_samples(here))
    running.send_signal(signal.SIGTERM)
    assert running.stderr
    assert any(b"SIGTERM ignored" in line for line in running.stderr)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGKILL, err
    assert not processes.alive(target)
    assert load(here.recordings[0]).run.sealed


def test_sigkill_loses_at_most_a_window_and_the_target_runs_on(here: Here, eventually: Eventually) -> None:
    running = here.start("run", "--", *program("computes.py"), "1000")

    def measured() -> bool:
        return has_samples(here) and load(here.recordings[0]).run.duration > 3

    assert eventually(measured)
    target = next(
        pid for pid in processes.descendants(running.pid) if "computes.py" in str(processes.command_line(pid))
    )
    running.kill()
    running.wait()
    try:
        assert processes.alive(target)
        found = load(here.recordings[0])
        assert not found.run.sealed
        covered = max(window.start + window.seconds for window in found.windows)
        assert covered > found.run.duration - 5
        shown = here("report")
        assert shown.code == 0
        assert "compute()" in shown.text
    finally:
        os.kill(target, signal.SIGKILL)


def test_duration_stops_a_server_with_0(here: Here) -> None:
    ended = here.run(*program("serves.py"), options=["--duration", "1"])
    assert ended.code == 0, ended.err
    assert "stopped after" in ended.err
    port = int(ended.text)
    assert "no process listens" in here("attach", f":{port}").error(125)


def test_duration_longer_than_the_target_changes_nothing(here: Here) -> None:
    ended = here.run(*program("computes.py"), options=["--duration", "60"])
    assert (ended.code, ended.text) == (0, "computed\n")
    assert here.report()["run"]["stopped_by"] == "target"


def test_while_gives_its_code(here: Here) -> None:
    for code in (0, 3):
        workload = f"{sys.executable} {program('computes.py')[1]}; exit {code}"
        ended = here.run(*program("serves.py"), options=["--while", workload])
        assert ended.code == code, ended.err
        assert "computed" not in ended.text, "stdout is the target's"


def test_a_target_that_ends_before_its_workload_gives_its_own_code(here: Here) -> None:
    ended = here.run(*program("speaks.py"), "4", options=["--while", "sleep 60"])
    assert ended.code == 4


def test_a_target_that_never_answers(here: Here) -> None:
    options = ["--ready", "1", "--ready-timeout", "1"]
    ended = here.run(*program("computes.py"), "1000", options=options)
    assert "did not answer within 1 s" in ended.error(125)


def test_an_attached_process_runs_on(here: Here, eventually: Eventually) -> None:
    target = subprocess.Popen(program("endless.py"), stdout=subprocess.PIPE, cwd=here.folder)
    try:
        said(target)
        ended = here("attach", str(target.pid), "--duration", "1")
        assert ended.code == 0, ended.err
        assert target.poll() is None
        running = here.start("attach", str(target.pid), "--duration", "60")
        assert eventually(lambda: has_samples(here, 1))
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
        assert running.returncode == 0, err
        assert target.poll() is None
        target.send_signal(signal.SIGINT)
        out, _ = target.communicate(timeout=30)
        assert (target.returncode, out) == (130, b"1 SIGINT\n")
    finally:
        target.kill()
        target.communicate()
    assert Path(here.recordings[0]).exists()


def test_in_the_background_of_a_shell(here: Here) -> None:
    """Where SIGINT is ignored an engine inside the target still writes what it has, because the target ends in good order."""
    (here.folder / "serve.py").write_text(
        "import atexit, time\n"
        "atexit.register(open('ended', 'w').close)\n"
        "def work():\n"
        "    return sum(range(2000))\n"
        "while True:\n"
        "    work()\n"
    )
    perfkit = f"{shlex.quote(str(CONSOLE_SCRIPT))} run -q --engine cprofile -d 2 -o seen.perfkit"
    script = f"{perfkit} -- {shlex.quote(sys.executable)} serve.py & wait $!"
    done = subprocess.run(
        ["sh", "-c", script], cwd=here.folder, env=clean_environment(), capture_output=True, timeout=60
    )
    assert (here.folder / "ended").exists(), done.stderr
    report = here.report("seen.perfkit")
    assert any(row["function"] == "work" for row in report["functions"]), report["gaps"]
