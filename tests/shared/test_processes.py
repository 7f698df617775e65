"""The process table, read from processes that are really there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfkit.shared import processes

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TREE = """
import subprocess, sys, threading
def start():
    child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], stdin=subprocess.PIPE)
    child.wait()
threading.Thread(target=start).start()
input()
"""


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command that says a line when it is up and ends when its input does."""
    started: list[subprocess.Popen[str]] = []

    def begin(*argv: str, **options: object) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(argv, **{**pipes, **options})  # type: ignore[call-overload]
        started.append(process)
        process.stdout.readline()
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        for pid in processes.descendants(process.pid):
            os.kill(pid, 9)
        process.kill()
        process.communicate()


def eventually(condition: Callable[[], bool]) -> bool:
    waiting = threading.Event()
    return any(condition() or waiting.wait(0.02) for _ in range(500))


def test_a_child_started_by_a_thread_is_a_descendant(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    root = spawn(sys.executable, "-c", TREE)
    (child,) = processes.descendants(root.pid)
    assert processes.parent(child) == root.pid
    assert processes.ancestors(child)[:2] == [root.pid, os.getpid()]
    below_us = processes.descendants(os.getpid())
    assert below_us.index(root.pid) < below_us.index(child)


def test_psutil_finds_the_same_descendants(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    root = spawn(sys.executable, "-c", TREE)
    assert processes._descendants_by_psutil(root.pid) == processes.descendants(root.pid)
    assert processes._alive_by_psutil(root.pid)


def test_a_zombie_is_not_alive(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawn("sh", "-c", "echo up; read line")
    assert processes.alive(process.pid)
    process.kill()
    assert eventually(lambda: not processes.alive(process.pid))
    assert Path(f"/proc/{process.pid}").exists() or not sys.platform.startswith("linux")
    assert not processes._alive_by_psutil(process.pid)


def test_the_version_comes_from_the_executable(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawn(sys.executable, "-c", "print('up', flush=True); input()")
    assert processes.python_of(process.pid) == VERSION
    assert not processes.is_free_threaded(process.pid)


def test_a_shell_is_not_python_until_it_executes_python(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawn("sh", "-c", f'echo up; read line; exec "{sys.executable}" -c "input()"')
    assert processes.python_of(process.pid) is None
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()
    assert eventually(lambda: processes.python_of(process.pid) == VERSION)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/PID/maps")
@pytest.mark.parametrize(
    ("executable", "mapped", "expected"),
    [
        ("/usr/bin/python3.13t", "", ("3.13", "t")),
        ("/usr/bin/python", "", ("", "")),
        ("/usr/bin/python3", "/usr/lib/libpython3.12.so.1.0", ("3.12", "")),
        ("/usr/bin/uwsgi", "/usr/lib/libpython3.13t.so.1.0", ("3.13", "t")),
        ("/usr/bin/uwsgi", "/opt/lib/python3.11/lib-dynload/_json.so", ("3.11", "")),
        ("/usr/bin/uwsgi", "/x/_speedups.cpython-314t-x86_64-linux-gnu.so", ("3.14", "t")),
        ("/usr/bin/nginx", "/usr/lib/libpython3.so", None),
        ("/usr/bin/pythonista", "", None),
        ("/L/Python.framework/Versions/3.12/Resources/Python.app/Contents/MacOS/Python", "", ("3.12", "")),
    ],
)
def test_a_build_is_told_by_its_files(
    executable: str, mapped: str, expected: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_link", lambda path: executable)
    monkeypatch.setattr(processes, "_read", lambda path: mapped.encode() if path.endswith("/maps") else b"")
    assert processes._build(1) == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="maps a file where /proc can show it")
def test_a_program_that_maps_libpython_is_python(spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    library = tmp_path / "libpython3.12.so.1.0"
    library.write_bytes(b"\0" * 4096)
    disguise = tmp_path / "embedder"
    disguise.write_bytes(Path(sys.executable).resolve().read_bytes())
    disguise.chmod(0o755)
    code = (
        "import mmap, sys\nfile = open(sys.argv[1], 'rb')\n"
        "kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\nprint('up', flush=True)\ninput()"
    )
    environ = {**os.environ, "PYTHONHOME": sys.base_prefix}
    process = spawn(str(disguise), "-c", code, str(library), env=environ)
    assert processes.python_of(process.pid) in ("3.12", VERSION)


def test_the_start_time_stays_and_tells_processes_apart(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    first = spawn("sh", "-c", "echo up; read line")
    at = processes.start_time(first.pid)
    assert at is not None
    assert at == processes.start_time(first.pid)
    # The first process of the machine, or of the container, has begun before.
    assert (processes.start_time(1) or 0.0) < at


def test_command_line_owner_and_folder(spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    code = "print('up', flush=True); input()"
    process = spawn(sys.executable, "-c", code, "", "wo rt", "ü", cwd=tmp_path)
    assert processes.command_line(process.pid)[1:] == ["-c", code, "", "wo rt", "ü"]
    assert processes.cwd(process.pid) == str(tmp_path)
    assert processes.owner_id(process.pid) == os.geteuid()
    assert processes.owner(process.pid)


def test_a_user_without_a_name_is_a_number(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    process = spawn("sh", "-c", "echo up; read line", user=54321)
    assert processes.owner(process.pid) == "54321"


def test_a_name_with_parentheses_does_not_shift_the_fields(
    spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    odd = tmp_path / "a) Z 1 (b"
    odd.symlink_to("/bin/sh")
    process = spawn(str(odd), "-c", "echo up; read line")
    assert processes.alive(process.pid)
    assert processes.parent(process.pid) == os.getpid()


def test_nothing_is_said_of_a_process_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    gone = process.pid
    assert not processes.alive(gone)
    assert processes.descendants(gone) == processes.ancestors(gone) == processes.command_line(gone) == []
    quiet = (processes.start_time, processes.parent, processes.cwd, processes.owner, processes.python_of)
    assert [ask(gone) for ask in quiet] == [None] * 5
    assert not processes.is_free_threaded(gone)
    assert processes._descendants_by_psutil(gone) == []
    assert not processes._alive_by_psutil(gone)


def test_importing_it_does_not_load_psutil() -> None:
    code = "import sys, perfkit.shared.processes; print('psutil' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
