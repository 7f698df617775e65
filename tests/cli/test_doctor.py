"""perfkit doctor: what it tries works or is said not to, with the line that mends it; 0 where measuring is possible."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit import __version__
from perfkit.collectors import checkup
from perfkit.collectors.checkup_probe import probe
from perfkit.shared import privileges
from perfkit.shared.offline import fetched
from perfkit_command import PROGRAMS, Here, Ordinary, program

_LINE = re.compile(r"^(ok  |warn|miss)  \S|^      \S")


def statuses(text: str) -> list[str]:
    return re.findall(r"^(ok|warn|miss) ", text, re.MULTILINE)


@pytest.fixture
def target(here: Here) -> Iterator[subprocess.Popen[bytes]]:
    popen = subprocess.Popen(program("endless.py"), stdout=subprocess.PIPE, cwd=here.folder)
    assert popen.stdout
    popen.stdout.readline()
    yield popen
    popen.kill()
    popen.communicate()


def test_on_a_machine_where_the_suite_runs(here: Here) -> None:
    ended = here("doctor")
    assert ended.code == 0, ended.text
    assert ended.err == ""
    assert all(_LINE.match(line) for line in ended.text.splitlines())
    words = " ".join(ended.text.split())
    assert f"perfkit {__version__} on Python {sys.version.split()[0]}" in words
    assert re.search(r"py-spy \d+\.\d+\.\d+ took [1-9]\d* looks", words)
    assert re.search(r"probe: loads in \d+ ms in Python 3\.\d+\.\d+, \d+ ms of it its own", words)
    assert re.search(r"0 files from the network", words)
    assert not (here.folder / ".perfkit").exists(), "looking leaves nothing behind"


def test_at_most_90_columns(here: Here) -> None:
    assert all(len(line) <= 90 for line in here("doctor").text.splitlines() if "try:" not in line)


def test_quiet_shows_only_what_is_not_ok(here: Here) -> None:
    assert "ok" not in statuses(here("doctor", "--quiet").text)


def test_a_running_process(here: Here, target: subprocess.Popen[bytes]) -> None:
    ended = here("doctor", "--pid", str(target.pid))
    words = " ".join(ended.text.split())
    assert ended.code == 0, words
    assert f"process {target.pid}: " in words
    assert re.search(r"process \d+: .*\S, owner", words)  # a long command is shortened at its end
    assert "1 thread, in " in words
    assert f"it runs Python 3.{sys.version_info[1]}" in words
    assert re.search(r"sampling it works: [1-9]\d* looks", words)
    assert len(re.findall(r"probe: loads in \d+ ms", words)) == 2, "in its Python and in perfkit's own"
    assert target.poll() is None


def test_a_process_with_threads_and_children(here: Here) -> None:
    code = "import os, threading, time\nif os.fork() == 0: time.sleep(60)\n"
    code += "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint(flush=True)\ntime.sleep(60)"
    popen = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    here.started.append(popen)
    assert popen.stdout
    popen.stdout.readline()
    words = " ".join(here("doctor", "--pid", str(popen.pid)).text.split())
    assert "2 threads, 1 Python process below it" in words


def test_a_pid_that_is_gone(here: Here) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    shown = here("doctor", "--pid", str(ended.pid))
    assert f"no process {ended.pid} is running" in shown.error(1)
    assert shown.text == ""


def test_a_process_that_is_not_python(here: Here) -> None:
    popen = subprocess.Popen(["sleep", "60"])
    try:
        ended = here("doctor", "--pid", str(popen.pid))
        assert ended.code == 1
        assert "miss  it is not Python" in ended.text
    finally:
        popen.kill()
        popen.wait()


def test_what_a_shell_started_is_named(here: Here) -> None:
    popen = subprocess.Popen(["sh", "-c", f"{sys.executable} {PROGRAMS}/endless.py; true"], stdout=subprocess.PIPE)
    here.started.append(popen)
    assert popen.stdout
    child = popen.stdout.readline().decode().strip()
    ended = here("doctor", "--pid", str(popen.pid))
    assert ended.code == 1
    assert f"try: perfkit attach {child}" in ended.text


def test_perfkits_own_parents_are_left_alone(here: Here) -> None:
    ended = here("doctor", "--pid", str(os.getpid()))
    assert ended.code == 1
    assert "must not be stopped for a look" in " ".join(ended.text.split())


def test_a_process_in_a_container_gets_a_path_map(here: Here) -> None:
    words = ["unshare", "--mount", *program("endless.py")]
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to make a mount namespace")
    popen = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=here.folder)
    here.started.append(popen)
    assert popen.stdout
    pid = popen.stdout.readline().decode().strip()
    ended = here("doctor", "--pid", pid)
    assert ended.code == 0
    assert "warn  it runs in a container" in ended.text
    assert f"try: perfkit attach {pid} --path-map {here.folder}=." in ended.text


def test_an_ordinary_user(ordinary: Ordinary) -> None:
    ended = ordinary("doctor")
    words = " ".join(ended.text.split())
    assert ended.code == 0, words
    assert "`perfkit run` works without root" in words


def test_a_process_of_somebody_else(ordinary: Ordinary, target: subprocess.Popen[bytes]) -> None:
    ended = ordinary("doctor", "--pid", str(target.pid))
    words = " ".join(ended.text.split())
    assert ended.code == 1
    assert "miss reading it is not allowed: it belongs to root" in words
    assert f"try: sudo perfkit attach {target.pid}" in words


def test_a_folder_that_cannot_be_written(ordinary: Ordinary) -> None:
    ordinary.folder.chmod(0o500)
    ended = ordinary("doctor")
    words = " ".join(ended.text.split())
    assert ended.code == 1
    assert f"miss recordings: {ordinary.folder} cannot be written: Permission denied" in words
    assert "try: perfkit run -o" in words


def test_a_file_where_the_folder_should_be(here: Here) -> None:
    (here.folder / ".perfkit").write_text("mine")
    ended = here("doctor")
    assert ended.code == 1
    assert f"miss recordings: {here.folder}/.perfkit is a file" in " ".join(ended.text.split())


def test_without_py_spy(here: Here, tmp_path: Path) -> None:
    """A py-spy that does not run stands for one that was built for another machine."""
    broken = tmp_path / "py-spy"
    broken.write_text("#!/bin/sh\necho 'cannot execute binary file' >&2\nexit 1\n")
    broken.chmod(0o755)
    code = f"import perfkit.collectors.checkup as c\nc.find_pyspy = lambda: {str(broken)!r}\n"
    code += "check = c.sampling('')\nprint(check.status, check.prevents, check.remedies)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "miss True ('pip install --force-reinstall py-spy',)\n"


@pytest.mark.parametrize("interpreter", ["/bin/true", "/nowhere/python"])
def test_a_probe_that_does_not_start(interpreter: str, tmp_path: Path) -> None:
    check = probe(interpreter, str(tmp_path))
    assert check.status == "warn"
    assert interpreter in check.text
    assert "--no-probe" in check.remedies[0]


def test_a_probe_that_is_not_there(tmp_path: Path) -> None:
    assert "does not start" in probe(sys.executable, str(tmp_path)).text


@pytest.mark.parametrize(
    ("scope", "user", "capable", "status", "said"),
    [
        (None, 1000, False, "ok", "your own processes"),
        (0, 1000, False, "ok", "your own processes"),
        (1, 1000, False, "warn", "ptrace_scope=1"),
        (2, 1000, False, "warn", "needs root"),
        (3, 0, True, "miss", "nobody may"),
        (1, 0, True, "ok", "CAP_SYS_PTRACE"),
        (None, 0, False, "warn", "CAP_SYS_PTRACE is missing"),
    ],
)
def test_who_may_attach(
    monkeypatch: pytest.MonkeyPatch, scope: int | None, user: int, capable: bool, status: str, said: str
) -> None:
    """The kernel's answers are given, as no one machine has them all; what is made of them is tested."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Yama and capabilities are Linux's")
    monkeypatch.setattr(checkup, "ptrace_scope", lambda: scope)
    monkeypatch.setattr(privileges, "may_trace_all", lambda: capable)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    check = checkup.attaching()
    assert (check.status, said in check.text) == (status, True), check
    assert bool(check.remedies) == (status != "ok")


@pytest.mark.parametrize(
    ("kind", "user", "remedies"),
    [
        (None, 1000, ("sudo it",)),
        ("docker", 1000, ("sudo it", "docker run --cap-add SYS_PTRACE …")),
        ("kubernetes", 0, ('securityContext.capabilities.add: ["SYS_PTRACE"]',)),
    ],
)
def test_the_words_that_give_the_right(
    monkeypatch: pytest.MonkeyPatch, kind: str | None, user: int, remedies: tuple[str, ...]
) -> None:
    monkeypatch.setattr(privileges, "container", lambda: kind)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert privileges.reading_remedies("sudo it") == remedies


def test_what_a_browser_would_fetch() -> None:
    page = """<a href="https://a.example/">x</a> <script src="https://b.example/x.js"></script>
    <link rel=stylesheet href=//c.example/x.css> <style>body { background: url(http://d.example/x.png) }
    @import "e.css";</style> <img src="data:image/png;base64,xx">"""
    assert fetched(page) == ["https://b.example/x.js", "//c.example/x.css", "http://d.example/x.png", "e.css"]


def test_the_capability_is_read_from_the_kernel(ordinary: Ordinary) -> None:
    code = "from perfkit.shared.privileges import may_trace_all, may_read; print(may_trace_all(), may_read(1))"
    words = ordinary.words()
    as_nobody = subprocess.run([*words[: words.index("-m")], "-c", code], capture_output=True, text=True, check=True)
    assert as_nobody.stdout == "False False\n"
    assert privileges.may_trace_all()
    assert privileges.may_read(os.getpid())
