"""`perfkit attach` from the host into processes that see nothing of perfkit's files: in mount and PID namespaces of their own, or of
another user. The probe comes as a copy, and nothing of it stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_attach_with_the_probe import answer, is_clean, queries

import perfkit
from every_day import first
from perfkit import load
from perfkit.shared import processes
from perfkit_command import Ended, Here, clean_environment, interpreter
from servers_under_load import APPS, module

pytestmark = pytest.mark.real

PERFKIT = Path(perfkit.__file__).parent
CONTAINER = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
GUNICORN = module("gunicorn", "--no-control-socket", "--log-level=error", "late_shop:flask_app", "--workers=2")
Contains = Callable[..., int]
# An environment below /tmp would be hidden with it.
HIDDEN = Path(sys.prefix).is_relative_to("/tmp")
KEEP = f"mount -t tmpfs none /mnt && mkdir /mnt/kept && mount --bind {sys.prefix} /mnt/kept" if HIDDEN else "true"
GIVE_BACK = f"mkdir -p {sys.prefix} && mount --bind /mnt/kept {sys.prefix}" if HIDDEN else "true"


@pytest.fixture
def contains(here: Here, port: int, requires: Callable[..., str]) -> Iterator[Contains]:
    """`contains(words)` starts a server in a container whose /tmp is its own and which has no perfkit; comes out its pid here."""
    if os.geteuid() != 0:
        pytest.skip("only root can make namespaces")
    unshare = requires("unshare")
    shutil.copy(APPS / "late_shop.py", here.folder)
    started: list[subprocess.Popen[bytes]] = []

    def start(
        *words: str, more: str = "true", before: tuple[str, ...] = (), spaces: tuple[str, ...] = CONTAINER
    ) -> int:
        furnish = (
            f"{KEEP} && mount -t tmpfs none /tmp && {GIVE_BACK} && mkdir /tmp/app && mount -t tmpfs -o mode=1777 none /tmp/app && cp late_shop.py /tmp/app && cd /tmp/app && "
            f'{{ ! [ -d {PERFKIT} ] || mount -t tmpfs none {PERFKIT}; }} && {more} && exec "$@"'
        )
        command = [unshare, *spaces, "sh", "-c", furnish, "sh", *before, *words]
        popen = subprocess.Popen(command, cwd=here.folder, env=clean_environment(PYTHONDONTWRITEBYTECODE="1"))
        started.append(popen)
        until = time.monotonic() + 30
        while answer(port, "state") is None:
            assert popen.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        return processes.descendants(popen.pid)[0] if "--fork" in spaces else popen.pid

    yield start
    for popen in started:
        popen.kill()
        popen.wait()


def left(pid: int) -> list[str]:
    """What perfkit has left where the process could see it."""
    root = Path(f"/proc/{pid}/root")
    return [str(path) for place in ("tmp", "dev/shm", "var/tmp", "run") for path in (root / place).glob("perfkit-*")]


def attached(
    here: Here, pid: int, port: int, *options: str, path: str = "rows", seconds: float = 4
) -> tuple[Path, Ended]:
    recording = here.folder / f"into-{len(list(here.folder.iterdir()))}.perfkit"
    sent = f"--load=http://127.0.0.1:{port}/{path}"
    ended = here("attach", str(pid), "--yes", "-q", f"-d{seconds}", "-o", str(recording), sent, *options)
    assert ended.code == 0, ended.err
    assert {request.status for request in load(recording).requests if request.source == "load"} == {200}
    return recording, ended


def test_workers_in_a_container(here: Here, port: int, contains: Contains) -> None:
    pid = contains(*GUNICORN, "--threads=2", f"--bind=127.0.0.1:{port}")
    recording, _ = attached(here, pid, port, "--sql", "--memory")
    report = here.report(str(recording))
    assert queries(report)["GET /rows"] == pytest.approx(31, abs=0.5)
    first = next(finding for finding in report["findings"] if finding["severity"] != "info")
    assert (first["rule"], first["where"]["file"]) == ("n-plus-one", "late_shop.py")
    # By the numbers that they have here.
    found = load(recording)
    whose = {process.id: process.pid for process in found.processes}
    answered = {whose[request.process] for request in found.requests if request.source == "probe"}
    assert answered <= set(processes.descendants(pid))
    assert set(whose.values()) == {pid, *processes.descendants(pid)}
    assert is_clean(port)
    assert left(pid) == []
    again, _ = attached(here, pid, port, "--sql", seconds=2)
    assert queries(here.report(str(again)))["GET /rows"] == pytest.approx(31, abs=0.5)


def test_a_worker_that_is_forked_meanwhile(here: Here, port: int, contains: Contains) -> None:
    pid = contains(*GUNICORN, f"--bind=127.0.0.1:{port}")
    before = set(processes.descendants(pid))
    old = min(before)
    command = f"sh -c 'sleep 2; kill {old}; sleep 3'"
    recording = here.folder / "forked.perfkit"
    ended = here("attach", str(pid), "--sql", "--yes", "-q", "-d6", f"--while={command}", "-o", str(recording))
    assert ended.code == 0, ended.err
    (new,) = set(processes.descendants(pid)) - before
    found = load(recording)
    assert new in {process.pid for process in found.processes}
    assert not [gap for gap in found.gaps if "requests, routes and statements" in gap.what and str(new) in gap.what]
    assert left(pid) == []


@pytest.mark.parametrize("option", first(1, ["--lines", "--calls"]))
def test_lines_and_calls(here: Here, port: int, contains: Contains, option: str) -> None:
    pid = contains(*GUNICORN, f"--bind=127.0.0.1:{port}")
    recording, ended = attached(here, pid, port, option, seconds=6)
    found = load(recording)
    counted = found.lines if option == "--lines" else found.calls
    assert counted, (ended.err, found.gaps)
    assert is_clean(port)
    assert left(pid) == []


@pytest.mark.parametrize("version", first(1, ["3.9", "3.12", "3.14"]))
def test_another_python_in_a_container(here: Here, port: int, contains: Contains, version: str) -> None:
    pid = contains(interpreter(version), "late_shop.py", str(port))
    recording, _ = attached(here, pid, port, "--sql", seconds=3)
    (found,) = queries(here.report(str(recording))).values()
    assert found == pytest.approx(31, abs=0.5)
    assert is_clean(port)
    assert left(pid) == []


def test_an_ordinary_user_in_a_container(
    here: Here, port: int, contains: Contains, requires: Callable[..., str]
) -> None:
    user = (requires("setpriv"), "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    pid = contains("/usr/bin/python3", "late_shop.py", str(port), before=user)
    perfkit = here.start("attach", str(pid), "--sql", "--yes", "-q", "-d6", "-o", "his.perfkit")
    until = time.monotonic() + 20
    while not left(pid):
        assert time.monotonic() < until and perfkit.poll() is None
    (folder,) = (path for path in map(Path, left(pid)) if path.name.startswith("perfkit-probe-"))
    assert folder.owner() == "nobody"
    assert folder.stat().st_mode & 0o777 == 0o700
    while perfkit.poll() is None:
        assert answer(port, "rows") is not None
    assert perfkit.returncode == 0
    (found,) = queries(here.report("his.perfkit")).values()
    assert found == pytest.approx(31, abs=0.5)
    assert left(pid) == []


def test_it_removes_itself_when_perfkit_is_killed(here: Here, port: int, contains: Contains) -> None:
    pid = contains(*GUNICORN, f"--bind=127.0.0.1:{port}")
    perfkit = here.start("attach", str(pid), "--sql", "--yes", "-q", "-d30")
    until = time.monotonic() + 20
    while answer(port, "state") == "":
        assert time.monotonic() < until
    assert left(pid)
    perfkit.send_signal(signal.SIGKILL)
    assert is_clean(port)
    while any("perfkit-probe-" in path for path in left(pid)):
        assert time.monotonic() < until + 10, left(pid)
        time.sleep(0.05)
    recording, _ = attached(here, pid, port, "--sql", seconds=2)
    assert queries(here.report(str(recording)))["GET /rows"] == pytest.approx(31, abs=0.5)


def test_what_a_killed_one_could_not_remove_is_removed_by_the_next(here: Here, port: int, contains: Contains) -> None:
    pid = contains(*GUNICORN, f"--bind=127.0.0.1:{port}")
    old = Path(f"/proc/{pid}/root/tmp/perfkit-probe-{'0' * 16}")
    old.mkdir()
    (old / "held").touch()
    before = time.time() - 600
    os.utime(old, (before, before))
    attached(here, pid, port, "--sql", seconds=1)
    assert left(pid) == []


def test_no_place_to_write(here: Here, port: int, contains: Contains) -> None:
    closed = " && ".join(
        f"mount -t tmpfs -o ro none {place}" for place in ("/dev/shm", "/var/tmp", "/run") if Path(place).exists()
    )
    words = (sys.executable, "late_shop.py", str(port))
    pid = contains(*words, more=f"{closed} && mount -o remount,ro /tmp")
    recording, _ = attached(here, pid, port, "--sql", path="pooled", seconds=2)
    whys = {gap.why for gap in load(recording).gaps if "requests, routes and statements" in gap.what}
    assert len(whys) == 1
    assert "it can write to no folder" in whys.pop()


def test_a_user_who_cannot_read_perfkit(here: Here, port: int, requires: Callable[..., str]) -> None:
    """As where perfkit is installed in root's home."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with_perfkit = here.folder / "library"
    shutil.copytree(PERFKIT, with_perfkit / "perfkit", ignore=shutil.ignore_patterns("__pycache__"))
    with_perfkit.chmod(0o700)
    his = Path("/tmp") / f"perfkit-test-{os.getpid()}"
    his.mkdir()
    shutil.copy(APPS / "late_shop.py", his)
    shutil.chown(his, "nobody")
    words = [requires("setpriv"), "--reuid=nobody", "--regid=nogroup", "--clear-groups", "/usr/bin/python3"]
    popen = subprocess.Popen([*words, "-B", "late_shop.py", str(port)], cwd=his)
    try:
        until = time.monotonic() + 30
        while answer(port, "state") is None:
            assert time.monotonic() < until
        sent = f"--load=http://127.0.0.1:{port}/rows"
        command = [
            sys.executable,
            "-m",
            "perfkit",
            "attach",
            str(popen.pid),
            "--sql",
            "--yes",
            "-q",
            "-d3",
            "-oa.perfkit",
        ]
        done = subprocess.run(
            [*command, sent], cwd=here.folder, env=clean_environment(PYTHONPATH=str(with_perfkit)), capture_output=True
        )
        assert done.returncode == 0, done.stderr
        (found,) = queries(here.report("a.perfkit")).values()
        assert found == pytest.approx(31, abs=0.5)
        assert is_clean(port)
        mine = [path for path in Path("/tmp").glob("perfkit-probe-*") if path.owner() == "nobody"]
        assert mine == []
    finally:
        popen.kill()
        popen.wait()
        shutil.rmtree(his)
