"""`--memory` on real servers: what leaks, has no limit or leaps is named by line and container; healthy ones are left in peace."""

from __future__ import annotations

import shutil
import socket
import sys
from typing import Any

import pytest

from perfkit_command import PROGRAMS, Here

pytestmark = pytest.mark.alone

LOOKED = 26  # seconds: five of warm-up and twenty of a trend


def measured(here: Here, *paths: str, seconds: int = LOOKED, threads: int = 1) -> dict[str, Any]:
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
        f"--threads={threads}",
        "shop:app",
    )
    ended = here.run(*server, options=("-q", "--memory", f"-d{seconds}", "--concurrency=2", *load))
    assert ended.code == 0, ended.err
    memory: dict[str, Any] = here.report()["memory"]
    return memory


def line_of(text: str) -> int:
    lines = (PROGRAMS / "memory_server.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


def test_a_leak_and_an_unlimited_cache_among_healthy_routes(here: Here) -> None:
    memory = measured(here, "/leak", "/price", "/steady", "/warm")
    found = {finding["rule"]: finding for finding in memory["findings"] if finding["where"]}
    assert set(found) == {"memory-leak", "unbounded-cache"}, [finding["title"] for finding in memory["findings"]]
    leak, cache = found["memory-leak"], found["unbounded-cache"]
    assert "shop.SEEN" in leak["title"]
    assert (leak["where"]["file"], leak["where"]["line"]) == ("shop.py", line_of("SEEN"))
    assert leak["confidence"]["level"] == "high"
    # One request in four leaves 10,000 bytes and a little more.
    assert 2400 < leak["per_request"] < 3200
    assert "shop.price_of()" in cache["title"]
    assert cache["where"]["line"] == line_of("@functools.lru_cache")
    assert leak["rank"] < cache["rank"]
    grown = {container["name"]: container["steady"] for container in memory["containers"]}
    assert grown["shop.SEEN"] and not grown.get("shop.FULL", False)


def test_a_route_that_leaps(here: Here) -> None:
    memory = measured(here, "/export", "/steady", seconds=6)
    (peak,) = (finding for finding in memory["findings"] if finding["rule"] == "request-peak")
    assert (peak["where"]["file"], peak["endpoint"]) == ("shop.py", "GET /export")
    assert peak["where"]["line"] == line_of("    rows = ")
    assert 30e6 < peak["bytes"] < 150e6


def test_no_alarm_on_a_healthy_server(here: Here) -> None:
    memory = measured(here, "/steady", "/noisy", "/warm", threads=2)
    assert [finding["title"] for finding in memory["findings"]] == []
    assert memory["limit"] > 0 and len(memory["total"]) > 20
    served = max(memory["processes"], key=lambda process: process["last"])
    assert served["growth"] is not None


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
