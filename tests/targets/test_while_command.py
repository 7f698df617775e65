"""A shell command beside the target: its output, its exit code and its end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit.shared import processes
from perfkit.targets.while_command import WhileCommand

Eventually = Callable[[Callable[[], bool]], bool]


def test_its_output_is_kept_out_of_the_targets(eventually: Eventually, capfd: pytest.CaptureFixture[str]) -> None:
    command = WhileCommand("echo out; echo err >&2; exit 3")
    assert command.poll() is None
    command.start()
    assert eventually(lambda: command.poll() is not None)
    assert command.poll() == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert sorted(err.split()) == ["err", "out"]


def test_after_a_signal_its_code_is_128_more(eventually: Eventually) -> None:
    command = WhileCommand("kill -USR1 $$")
    command.start()
    assert eventually(lambda: command.poll() == 128 + signal.SIGUSR1)


def test_it_does_not_eat_the_targets_input(eventually: Eventually) -> None:
    command = WhileCommand("read line || exit 9")
    command.start()
    assert eventually(lambda: command.poll() == 9)


def test_all_of_it_is_stopped(tmp_path: Path, eventually: Eventually) -> None:
    pids = tmp_path / "pids"
    command = WhileCommand(f"trap '' TERM; echo $$ >> {pids}; sleep 60 & echo $! >> {pids}; sleep 60; wait")
    command.start()
    assert eventually(lambda: pids.exists() and pids.read_text().count("\n") == 2)
    command.stop()
    assert command.poll() == 128 + signal.SIGKILL
    assert eventually(lambda: not any(processes.alive(int(pid)) for pid in pids.read_text().split()))


def test_what_it_left_in_the_background_ends_with_it(tmp_path: Path, eventually: Eventually) -> None:
    pids = tmp_path / "pids"
    command = WhileCommand(f"sleep 60 & echo $! > {pids}")
    command.start()
    assert eventually(lambda: command.poll() == 0)
    left = int(pids.read_text())
    assert processes.alive(left)
    command.stop()
    assert eventually(lambda: not processes.alive(left))


def test_stopping_what_was_never_started_does_nothing() -> None:
    WhileCommand("true").stop()
