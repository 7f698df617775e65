"""`--memory` on a server, a script and a process that runs already: what takes much at once is named by its line."""

from __future__ import annotations

import shutil
import socket
import sys
from typing import Any

import pytest

from perfkit_command import PROGRAMS, Here

pytestmark = pytest.mark.alone


def measured(here: Here, *paths: str, seconds: int) -> dict[str, Any]:
    shutil.copy(PROGRAMS / "memory_server.py", here.folder / "shop.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    load = [f"--load=http://127.0.0.1:{port}{path}" for path in paths]
    server = (
        sys.executable,
        "-m",
        "gunicorn",
        "--no-control-socket",
        "-b",
        f"127.0.0.1:{port}",
        "shop:app",
    )
    ended = here.run(*server, options=("-q", "--memory", f"-d{seconds}", "--concurrency=2", *load))
    assert ended.code == 0, ended.err
    memory: dict[str, Any] = here.report()["memory"]
    return memory


def line_of(text: str) -> int:
    lines = (PROGRAMS / "memory_server.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


def test_a_route_that_leaps(here: Here) -> None:
    memory = measured(here, "/export", "/steady", seconds=6)
    (peak,) = (finding for finding in memory["findings"] if finding["rule"] == "request-peak")
    assert (peak["where"]["file"], peak["endpoint"]) == ("shop.py", "GET /export")
    assert peak["where"]["line"] == line_of("    rows = ")
    assert 30e6 < peak["bytes"] < 150e6


def test_a_script_that_collects_its_result_has_a_peak_and_no_leak(here: Here) -> None:
    (here.folder / "job.py").write_text(
        "import time\n"
        "def load():\n"
        "    return [str(number) * 20 for number in range(1_500_000)]\n"
        "kept = []\n"
        "for turn in range(3):\n"
        "    kept.append(len(load()))\n"
        "    time.sleep(0.2)\n"
    )
    ended = here.run(sys.executable, "job.py", options=("--memory",))
    assert ended.code == 0, ended.err
    (finding,) = here.report()["memory"]["findings"]
    assert (finding["rule"], finding["where"]["line"], finding["where"]["function"]) == ("request-peak", 3, "load")
    assert "Memory" in ended.err


def test_from_outside_a_running_process_is_followed_and_what_is_missing_is_said(here: Here) -> None:
    (here.folder / "grow.py").write_text(
        "import time\n"
        "def take():\n"
        "    return [str(number) * 20 for number in range(1_000_000)]\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "    take()\n"
        "    time.sleep(0.3)\n"
    )
    import subprocess

    with subprocess.Popen([sys.executable, "grow.py"], cwd=here.folder, stdout=subprocess.PIPE) as popen:
        try:
            assert popen.stdout is not None and popen.stdout.readline() == b"up\n"
            ended = here("attach", str(popen.pid), "--memory", "-d4", "-q", "-o", "grown.perfkit")
            assert ended.code == 0, ended.err
            assert popen.poll() is None
        finally:
            popen.kill()
    report = here.report("grown.perfkit")
    (finding,) = report["memory"]["findings"]
    assert (finding["rule"], finding["where"]["function"]) == ("request-peak", "take")
    assert any(gap["what"].startswith("which containers") for gap in report["gaps"])
