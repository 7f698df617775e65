"""What a user can get wrong about a command or a process: one clear line, one remedy, the right code, no traceback."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfkit.shared import processes
from perfkit_command import Here, Ordinary


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["no-such-command-at-all"], 127, "command not found: no-such-command-at-all"),
        (["./missing.py"], 127, "command not found: ./missing.py"),
        (["./plain.sh"], 126, "it is not executable"),
        (["."], 126, "it is a directory"),
        ([], 2, "no command was given"),
        (["ls"], 125, "ls started no Python process"),
        ([sys.executable, "-I", "-S", "-c", "pass"], 125, "before a sample was taken"),
    ],
)
def test_a_command_that_cannot_be_measured(here: Here, words: list[str], code: int, said: str) -> None:
    (here.folder / "plain.sh").write_text("#!/bin/sh\n")
    assert said in here.run(*words).error(code)
    assert here.recordings == []


def test_what_measured_nothing_keeps_the_code_of_the_target(here: Here) -> None:
    ended = here.run(sys.executable, "-I", "-S", "-c", "import os; os._exit(3)")
    assert "before a sample was taken" in ended.error(3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--duration", "0"], "--duration 0 is too small"),
        (["--duration", "-1"], "--duration -1 is too small"),
        (["--duration", "nan"], "--duration nan is too small"),
        (["--rate", "0"], "--rate 0 is too small"),
        (["--concurrency", "0"], "--concurrency 0 is too small"),
        (["--load", "localhost"], "localhost has no scheme"),
        (["--load", "ftp://localhost/"], "is not http or https"),
        (["--load", "http://:8000/"], "names no host"),
        (["--ready", "99999"], "is neither a URL nor a port"),
        (["--color", "mauve"], "--color mauve is not known"),
        (["--engine", "gprof"], "there is no engine named 'gprof'"),
        (["--path-map", "/app"], "--path-map /app has no '='"),
        (["--load", "http://user:hunter2@[::1"], "is not a URL"),
    ],
)
def test_a_flag_that_makes_no_sense_starts_nothing(here: Here, options: list[str], said: str) -> None:
    ended = here.run("touch", "started", options=options)
    assert said in ended.error(2)
    assert not (here.folder / "started").exists()
    assert here.recordings == []


@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        (["run", "--duration", "soon", "--", "ls"], "'soon' is not a valid float", "perfkit run --help"),
        (["run", "--duratoin", "3", "--", "ls"], "perfkit run has no option --duratoin", "did you mean --duration"),
        (["rnu", "--", "ls"], "no such command 'rnu'", "did you mean run?"),
        (["attach"], "missing argument 'TARGET'", "perfkit attach --help"),
        (["report", "--output"], "'--output' requires an argument", "--help"),
        (["run", "--requests", "5", "--", "ls"], "--requests needs --load", "--load URL"),
        (["attach", "1", "--concurrency", "2"], "--concurrency needs --load", "--load URL"),
    ],
)
def test_words_that_are_no_command_line(here: Here, words: list[str], said: str, remedy: str) -> None:
    first, second = here(*words).error(2).splitlines()
    assert first.startswith("error: ") and said in first
    assert second.startswith("  try: ") and remedy in second


def test_no_words_at_all_show_the_help(here: Here) -> None:
    ended = here()
    assert ended.code == 2
    assert ended.err.startswith("Usage: perfkit")
    assert "error:" not in ended.err


def test_a_default_for_a_load_needs_no_load(here: Here) -> None:
    (here.folder / "pyproject.toml").write_text("[tool.perfkit]\nconcurrency = 8\n")
    assert "command not found" in here.run("no-such-command-at-all", PERFKIT_REQUESTS="5").error(127)


def test_a_bad_address_is_refused_before_a_word_is_said(here: Here) -> None:
    for flag, value in (("--load", "localhost"), ("--ready", "99999")):
        assert here.run("ls", options=[flag, value]).err.startswith("error: ")


def test_a_server_that_never_answers_gets_no_report(here: Here) -> None:
    options = ["--ready-timeout", "1.5", "--load", f"http://127.0.0.1:{free_port()}/"]
    said = here.run(sys.executable, "-c", "while True: pass", options=options).error(125)
    assert "the target did not answer" in said
    assert "samples" not in said.splitlines()[-1]
    assert len([line for line in said.splitlines() if line]) == 3, said


def test_names_that_are_nearly_right(here: Here) -> None:
    assert "did you mean hot-function?" in here("rule", "hot-functoin").error(2)
    assert "did you mean markdown?" in here("report", "--format", "markdwon").error(2)


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes that wait."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*words: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE))
        return started[-1]

    yield begin
    for popen in started:
        popen.kill()
        popen.communicate()


def test_attach_to_what_is_not_there(here: Here, sleepers: Callable[..., subprocess.Popen[bytes]]) -> None:
    ended = sleepers("true")
    ended.wait()
    assert f"no process {ended.pid} is running" in here("attach", str(ended.pid)).error(125)
    port = free_port()
    assert f"no process listens on port {port}" in here("attach", f":{port}").error(125)
    assert "no Python process is called no-such-name" in here("attach", "no-such-name").error(125)
    assert "is not a port" in here("attach", ":99999").error(2)
    assert here.recordings == []


def test_attach_to_what_is_not_python(here: Here, sleepers: Callable[..., subprocess.Popen[bytes]]) -> None:
    pid = sleepers("sleep", "60").pid
    assert f"process {pid} (sleep 60) is not Python" in here("attach", str(pid)).error(125)


def test_attach_to_itself(here: Here) -> None:
    assert "is perfkit itself, or what started it" in here("attach", str(os.getpid())).error(125)


def test_attach_to_one_of_several(here: Here, sleepers: Callable[..., subprocess.Popen[bytes]]) -> None:
    script = here.folder / f"twice{os.getpid()}.py"
    script.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    pids = []
    for _ in range(2):
        popen = sleepers(sys.executable, str(script))
        assert popen.stdout
        popen.stdout.readline()
        pids.append(popen.pid)
    said = here("attach", script.stem).error(125)
    assert "is 2 processes" in said
    assert all(re.search(rf"^ +{pid}  ", said, re.MULTILINE) for pid in pids)


def test_attach_to_a_process_of_another_user(
    ordinary: Ordinary, sleepers: Callable[..., subprocess.Popen[bytes]]
) -> None:
    popen = sleepers(sys.executable, "-c", "import time\nprint('up', flush=True)\ntime.sleep(60)")
    assert popen.stdout
    popen.stdout.readline()
    said = ordinary("attach", str(popen.pid)).error(125)
    assert f"not allowed to read process {popen.pid} (owner root, you are nobody)" in said
    assert f"sudo perfkit attach {popen.pid}" in said


def test_attach_to_a_free_threaded_python(here: Here, sleepers: Callable[..., subprocess.Popen[bytes]]) -> None:
    from shutil import which

    python = next((found for minor in (13, 14, 15) if (found := which(f"python3.{minor}t"))), None)
    if python is None:
        pytest.skip("no free-threaded Python is installed")
    popen = sleepers(python, "-c", "import time\nprint('up', flush=True)\ntime.sleep(60)")
    assert popen.stdout
    popen.stdout.readline()
    assert "free-threaded" in here("attach", str(popen.pid)).error(125)


def test_an_ordinary_user_measures_what_he_launches(ordinary: Ordinary) -> None:
    ended = ordinary("run", "--", ordinary.python, f"{ordinary.root}/programs/computes.py")
    assert (ended.code, ended.text) == (0, "computed\n"), ended.err
    assert "compute()" in ended.err
    stored = list((ordinary.folder / ".perfkit").glob("*.perfkit"))
    assert stored and all(not path.stat().st_mode & 0o077 for path in stored if not path.is_symlink())


def test_an_ordinary_user_attaches_to_his_own(
    ordinary: Ordinary, sleepers: Callable[..., subprocess.Popen[bytes]]
) -> None:
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", ordinary.python]
    popen = sleepers(*user, f"{ordinary.root}/programs/endless.py")
    assert popen.stdout
    popen.stdout.readline()
    ended = ordinary("attach", str(popen.pid), "--duration", "1")
    assert ended.code == 0, ended.err
    assert "endless.py" in ended.err
    assert processes.alive(popen.pid), "an attached process runs on"
    popen.send_signal(signal.SIGINT)
    assert popen.wait() == 130


@pytest.mark.parametrize("options", [(), ("--sql", "--yes")], ids=["outside", "inside"])
def test_a_process_that_a_debugger_has(here: Here, requires: Callable[[str], str], options: tuple[str, ...]) -> None:
    words = [requires("strace"), "-o", "/dev/null", sys.executable, "-c", "print(1, flush=True)\nwhile True: pass"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as strace:
        try:
            assert strace.stdout is not None and strace.stdout.readline()
            (target,) = processes.descendants(strace.pid)
            said = here("attach", str(target), "-d", "3", *options).error(125)
            assert f"another program traces it (pid {strace.pid}: " in said
        finally:
            for pid in [*processes.descendants(strace.pid), strace.pid]:
                os.kill(pid, signal.SIGKILL)
