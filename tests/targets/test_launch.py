"""A command as a process of its own: output, exit code, signals, and an end for all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.target import Command
from perfkit.shared import processes
from perfkit.targets.launch import Launched

Launch = Callable[..., Launched]
Eventually = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    launched: list[Launched] = []

    def begin(*argv: str, **environ: str) -> Launched:
        launched.append(Launched.start(Command(argv, argv[0], str(tmp_path)), environ))
        return launched[-1]

    yield begin
    for each in launched:
        each.stop(signal.SIGKILL, grace=0.0)


def python(launch: Launch, code: str, **environ: str) -> Launched:
    return launch(sys.executable, "-c", textwrap.dedent(code), **environ)


def end(launched: Launched, eventually: Eventually) -> int | None:
    assert eventually(lambda: launched.poll() is not None)
    return launched.poll()


def pids_in(file: Path, n: int, eventually: Eventually) -> list[int]:
    """The numbers that `n` processes have each written into the file as one line."""
    assert eventually(lambda: file.exists() and file.read_text().count("\n") == n)
    return [int(line) for line in file.read_text().split()]


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_its_own(code: int, launch: Launch, eventually: Eventually) -> None:
    assert end(python(launch, f"raise SystemExit({code})"), eventually) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1])
def test_after_signal_n_it_is_128_more(number: int, launch: Launch, eventually: Eventually) -> None:
    launched = launch("/bin/sleep", "60")
    assert launched.poll() is None
    launched.send(number)
    assert end(launched, eventually) == 128 + number
    launched.send(number)


def test_output_goes_where_ours_goes(launch: Launch, eventually: Eventually, capfd: pytest.CaptureFixture[str]) -> None:
    end(python(launch, "import sys; print('out'); print('err', file=sys.stderr)"), eventually)
    assert capfd.readouterr() == ("out\n", "err\n")


def test_input_folder_environment_and_group(launch: Launch, tmp_path: Path, eventually: Eventually) -> None:
    code = """
        import os, pathlib
        found = [os.getcwd(), os.environ["PERFKIT_EXTRA"], os.environ["HOME"], os.getpgrp(), os.fstat(0).st_ino]
        pathlib.Path("found").write_text(repr(found))
    """
    assert end(python(launch, code, PERFKIT_EXTRA="1"), eventually) == 0
    expected = [str(tmp_path), "1", os.environ["HOME"], os.getpgrp(), os.fstat(0).st_ino]
    assert (tmp_path / "found").read_text() == repr(expected)


def test_argv0_is_what_was_typed(tmp_path: Path, eventually: Eventually) -> None:
    argv = ("mine", "-c", 'echo "$0" > zero', "typed")
    launched = Launched.start(Command(argv, "/bin/sh", str(tmp_path)), {})
    assert processes.command_line(launched.pid)[:1] in (["mine"], [])
    end(launched, eventually)
    assert (tmp_path / "zero").read_text() == "typed\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_signals_are_as_a_shell_would_hand_them_on(launch: Launch, tmp_path: Path, eventually: Eventually) -> None:
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
    try:
        launched = launch("/bin/sh", "-c", "exec cat /proc/self/status > status")
        ours = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    assert end(launched, eventually) == 0
    status = dict(line.split(":\t", 1) for line in (tmp_path / "status").read_text().splitlines())
    assert int(status["SigBlk"], 16) == 0
    assert int(status["SigCgt"], 16) & 1 << (signal.SIGINT - 1) == 0
    assert int(status["SigIgn"], 16) & (1 << (signal.SIGINT - 1) | 1 << (signal.SIGPIPE - 1)) == 0
    assert {signal.SIGTERM, signal.SIGCHLD} <= ours


def test_a_descriptor_that_we_were_given_is_handed_on(launch: Launch, eventually: Eventually) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    end(python(launch, f"import os; os.write({write}, b'here')"), eventually)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        assert file.read() == b"here"


def refusal(command: Command) -> PerfkitError:
    with pytest.raises(PerfkitError) as caught:
        Launched.start(command, {})
    return caught.value


def test_what_the_kernel_refuses_is_126(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo no first line\n")
    script.chmod(0o755)
    error = refusal(Command(("./script",), str(script), str(tmp_path)))
    assert (error.exit_code, error.message) == (126, "cannot execute ./script: exec format error.")
    assert "perfkit run -- sh ./script" in error.hint
    script.chmod(0o644)
    assert refusal(Command(("./script",), str(script), str(tmp_path))).exit_code == 126
    script.write_text("#!/gone/python\n")
    script.chmod(0o755)
    assert "install it again" in refusal(Command(("./script",), str(script), str(tmp_path))).hint


def test_what_has_gone_is_127_and_a_folder_that_has_gone_is_named(tmp_path: Path) -> None:
    assert refusal(Command(("tool",), str(tmp_path / "tool"), str(tmp_path))).exit_code == 127
    error = refusal(Command(("sh",), "/bin/sh", str(tmp_path / "gone")))
    assert error.exit_code == 125
    assert str(tmp_path / "gone") in error.message


def test_a_gentle_stop_lets_it_say_good_bye(launch: Launch, tmp_path: Path, eventually: Eventually) -> None:
    code = """
        import os, pathlib, signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        pathlib.Path("up").write_text(f"{os.getpid()}\\n")
        signal.pause()
    """
    launched = python(launch, code)
    pids_in(tmp_path / "up", 1, eventually)
    assert launched.stop(grace=60.0) == 7


def test_what_does_not_listen_is_killed_with_its_children(
    launch: Launch, tmp_path: Path, eventually: Eventually
) -> None:
    code = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork()
        os.fork()
        with open("pids", "a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(60)
    """
    launched = python(launch, code)
    tree = pids_in(tmp_path / "pids", 4, eventually)
    launched.begin_stop(signal.SIGTERM, now=100.0, grace=5.0)
    assert not launched.advance_stop(104.9)
    assert all(map(processes.alive, tree))
    assert eventually(lambda: launched.advance_stop(105.0))
    assert launched.poll() == 128 + signal.SIGKILL
    assert not any(map(processes.alive, tree))


def test_what_a_shell_leaves_behind_is_told_as_well(launch: Launch, tmp_path: Path, eventually: Eventually) -> None:
    code = "echo $$ >> pids; sleep 60 & echo $! >> pids; wait"
    launched = launch("/bin/sh", "-c", code)
    _, orphan = pids_in(tmp_path / "pids", 2, eventually)
    launched.begin_stop(signal.SIGTERM, now=0.0, grace=1000.0)
    assert eventually(lambda: launched.advance_stop(1.0))
    assert launched.poll() == 128 + signal.SIGTERM
    assert not processes.alive(orphan)


def test_a_stop_that_was_already_delivered_sends_nothing(
    launch: Launch, tmp_path: Path, eventually: Eventually
) -> None:
    os.mkfifo(tmp_path / "fifo")
    launched = launch("/bin/sh", "-c", "echo $$ > up; read line < fifo; exit 4")
    pids_in(tmp_path / "up", 1, eventually)
    launched.begin_stop(None, now=0.0, grace=1000.0)
    assert not launched.advance_stop(1.0)
    assert launched.poll() is None
    launched.begin_stop(None, now=2.0, grace=0.0)
    assert eventually(lambda: launched.advance_stop(2.0))
    assert launched.poll() == 128 + signal.SIGKILL


def test_what_a_shell_leaves_behind_is_not_told_what_the_terminal_told_it(
    launch: Launch, tmp_path: Path, eventually: Eventually
) -> None:
    launched = launch("/bin/sh", "-c", "sleep 60 & echo $! >> pids; wait")
    (orphan,) = pids_in(tmp_path / "pids", 1, eventually)
    launched.begin_stop(None, now=0.0, grace=10.0)
    launched.send(signal.SIGINT)
    assert eventually(lambda: launched.poll() is not None)
    assert not launched.advance_stop(1.0)
    assert not launched.advance_stop(2.0)
    assert processes.alive(orphan)
    assert eventually(lambda: launched.advance_stop(10.0))
    assert not processes.alive(orphan)


def test_a_process_that_left_the_tree_before_is_not_ours_to_stop(
    launch: Launch, tmp_path: Path, eventually: Eventually
) -> None:
    launched = launch("/bin/sh", "-c", "(sleep 60 & echo $! >> pids); echo $$ >> pids; sleep 60")
    daemon, _ = pids_in(tmp_path / "pids", 2, eventually)
    assert eventually(lambda: daemon not in processes.descendants(launched.pid))
    launched.stop(grace=60.0)
    assert processes.alive(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_nothing_to_advance_before_it_began_and_nothing_to_stop_after_it_ended(
    launch: Launch, eventually: Eventually
) -> None:
    launched = python(launch, "raise SystemExit(5)")
    assert not launched.advance_stop(0.0)
    end(launched, eventually)
    assert launched.stop() == 5


def test_a_tool_that_is_killed_leaves_no_handler_in_the_target() -> None:
    """The target dies of SIGINT as it would alone, although the parent handles it."""
    code = """
        import os, signal, sys
        from perfkit.model.target import Command
        from perfkit.targets.launch import Launched
        signal.signal(signal.SIGINT, lambda *_: None)
        launched = Launched.start(Command(("sleep", "60"), "/bin/sleep", "/"), {})
        os.kill(launched.pid, signal.SIGINT)
        print(launched.stop(signal.SIGCONT, grace=60.0))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{128 + signal.SIGINT}\n"
