"""`perfkit attach --sql`: the probe comes into servers that run already, under load, and nothing of it stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perfkit import load
from perfkit_command import Here, clean_environment, interpreter, kill_all
from servers_under_load import APPS, module

pytestmark = pytest.mark.real

Serves = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def serves(here: Here, port: int) -> Iterator[Serves]:
    """Starts a server in the folder, and comes back when it answers."""
    shutil.copy(APPS / "late_shop.py", here.folder)
    started = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        popen = subprocess.Popen(words, cwd=here.folder, env=clean_environment(PYTHONDONTWRITEBYTECODE="1"))
        started.append(popen)
        until = time.monotonic() + 30
        while answer(port, "state") is None:
            assert popen.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        return popen

    yield start
    for popen in started:
        kill_all(popen.pid)
        popen.wait()


def answer(port: int, path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as found:
            return str(found.read().decode()).strip('"')
    except OSError:
        return None


def is_clean(port: int, limit: float = 10.0) -> bool:
    """In whichever worker answers: each is asked many times."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if all(answer(port, "state") == "" for _ in range(20)):
            return True
        time.sleep(0.1)
    return False


def attached(here: Here, port: int, *paths: str, seconds: float = 4) -> dict[str, Any]:
    recording = here.folder / f"sql-{len(list(here.folder.iterdir()))}.perfkit"
    urls = [f"--load=http://127.0.0.1:{port}/{path}" for path in paths]
    ended = here("attach", f":{port}", "--sql", "--yes", "-q", f"-d{seconds}", "-o", str(recording), *urls)
    assert ended.code == 0, ended.err
    statuses = {request.status for request in load(recording).requests if request.source == "load"}
    assert statuses == {200}
    return here.report(str(recording))


def queries(report: dict[str, Any]) -> dict[str, float]:
    return {e["endpoint"]: e["queries_per_request"] for e in report["endpoints"] if e["source"] == "probe"}


GUNICORN = ("gunicorn", "--no-control-socket", "--log-level=error")


def test_flask_under_gunicorn(here: Here, port: int, serves: Serves) -> None:
    words = (*GUNICORN, "late_shop:flask_app", "--workers=2", "--threads=3", f"--bind=127.0.0.1:{port}")
    gunicorn = serves(*module(*words))
    report = attached(here, port, "rows", "pooled")
    found = queries(report)
    assert found["GET /rows"] == pytest.approx(31, abs=0.5)
    assert found["GET /pooled"] == pytest.approx(1, abs=0.1)  # its connection was there before
    first = next(finding for finding in report["findings"] if finding["severity"] != "info")
    assert (first["rule"], first["where"]["file"]) == ("n-plus-one", "late_shop.py")
    assert is_clean(port)
    assert gunicorn.poll() is None
    again = queries(attached(here, port, "rows", seconds=2))
    assert again["GET /rows"] == pytest.approx(31, abs=0.5)
    assert is_clean(port)


def test_fastapi_under_uvicorn(here: Here, port: int, serves: Serves) -> None:
    serves(*module("uvicorn", "late_shop:api", "--log-level=error", f"--port={port}"))
    report = attached(here, port, "rows", "blocks/3")
    assert queries(report)["GET /rows"] == pytest.approx(31, abs=0.5)
    assert {"loop-blocked", "sync-in-async"} & {finding["rule"] for finding in report["findings"]}
    assert is_clean(port)


def test_django_with_a_connection_that_stays(here: Here, port: int, serves: Serves) -> None:
    serves(*module(*GUNICORN, "late_shop:django_app()", f"--bind=127.0.0.1:{port}"))
    assert answer(port, "items/9") == "9"
    assert queries(attached(here, port, "items/9"))["GET /items/<int:n>"] == pytest.approx(1, abs=0.1)
    assert is_clean(port)


@pytest.mark.parametrize("version", ["3.9", "3.13", "3.14"])
def test_another_python_and_no_library(here: Here, port: int, serves: Serves, version: str) -> None:
    server = serves(interpreter(version), "late_shop.py", str(port))
    (found,) = queries(attached(here, port, "rows", seconds=3)).values()
    assert found == pytest.approx(31, abs=0.5)
    assert is_clean(port)
    assert server.poll() is None


def test_it_is_gone_when_perfkit_is_killed(here: Here, port: int, serves: Serves) -> None:
    serves(sys.executable, "late_shop.py", str(port))
    perfkit = here.start("attach", f":{port}", "--sql", "--yes", "-q", "-d30")
    until = time.monotonic() + 20
    while answer(port, "state") == "":
        assert time.monotonic() < until
    os.kill(perfkit.pid, signal.SIGKILL)
    assert is_clean(port)
    (found,) = queries(attached(here, port, "rows", seconds=2)).values()
    assert found == pytest.approx(31, abs=0.5)


def test_a_launched_target_has_it_already(here: Here, port: int, serves: Serves) -> None:
    """Two of them would time each other."""
    shutil.copy(APPS / "late_shop.py", here.folder)
    first = here.start("run", "-q", "-d20", "--", sys.executable, "late_shop.py", str(port))
    until = time.monotonic() + 20
    while answer(port, "rows") is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    ended = here("attach", f":{port}", "--sql", "--yes", "-q", "-d2", "-o", "second.perfkit")
    assert ended.code == 0, ended.err
    gaps = " ".join(gap["why"] for gap in here.report("second.perfkit")["gaps"])
    assert "another perfkit is at work in it" in gaps
    first.send_signal(signal.SIGINT)
    assert first.wait(30) in (0, 130)
