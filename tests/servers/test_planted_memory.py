"""A leak, a cache without a limit and a route that leaps, among healthy routes: each is named by line, container and route within a
minute of load, by `run` and by `attach`, under Flask and FastAPI. Healthy routes alone raise nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest

from every_day import first
from perfkit_command import PROGRAMS, Here, clean_environment, kill_all

pytestmark = [pytest.mark.real, pytest.mark.alone]

SECONDS = 50
ENOUGH = 28  # seconds: five of warm-up and twenty of a trend
FAULTY = ("leak", "price", "export")
HEALTHY = ("steady", "noisy", "warm")
SOURCE = (PROGRAMS / "memory_server.py").read_text().splitlines()


def _server(name: str, port: int) -> list[str]:
    if name == "flask":
        where = f"-b127.0.0.1:{port}"
        return [
            sys.executable,
            "-m",
            "gunicorn",
            "--no-control-socket",
            "--log-level=error",
            "--threads=2",
            where,
            "shop:app",
        ]
    return [sys.executable, "-m", "uvicorn", "--log-level=error", f"--port={port}", "memory_fastapi:app"]


def _memory(here: Here, how: str, server: list[str], port: int, paths: tuple[str, ...], seconds: int) -> dict[str, Any]:
    shutil.copy(PROGRAMS / "memory_server.py", here.folder / "shop.py")
    shutil.copy(PROGRAMS / "memory_fastapi.py", here.folder)
    options = ["-q", "--memory", f"-d{seconds}", "--concurrency=2"]
    options += [f"--load=http://127.0.0.1:{port}/{path}" for path in paths]
    if how == "run":
        ended = here.run(*server, options=options)
        assert ended.code == 0, ended.err
    else:
        _attached(here, server, port, options)
    found: dict[str, Any] = here.report(*(["measured.perfkit"] if how == "attach" else []))["memory"]
    return found


def _attached(here: Here, server: list[str], port: int, options: list[str]) -> None:
    with subprocess.Popen(server, cwd=here.folder, env=clean_environment()) as popen:
        try:
            _await(port)
            ended = here("attach", f":{port}", "--sql", "--yes", "-o", "measured.perfkit", *options)
            assert ended.code == 0, ended.err
            assert popen.poll() is None
        finally:
            kill_all(popen.pid)


def _await(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/steady", timeout=10):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


def _line(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE, 1) if line.startswith(text))


SERVED = ("run", "flask"), ("run", "fastapi"), ("attach", "flask"), ("attach", "fastapi")


@pytest.mark.parametrize(("how", "name"), first(1, SERVED[::-1]))
def test_what_is_planted_is_named(here: Here, port: int, how: str, name: str) -> None:
    found = _memory(here, how, _server(name, port), port, FAULTY + HEALTHY, SECONDS)["findings"]
    places = {
        (finding["rule"], finding["where"]["line"], finding["endpoint"])
        for finding in found
        if finding["where"] is not None and finding["where"]["file"] == "shop.py"
    }
    said = [finding["title"] for finding in found]
    assert len(places) == len(found), said
    assert places - {("allocation-churn", _line("    rows = "), "GET /export")} == {
        ("memory-leak", _line("SEEN"), "GET /leak"),
        ("unbounded-cache", _line("@functools.lru_cache"), "GET /price"),
        ("request-peak", _line("    rows = "), "GET /export"),
    }, said
    assert any("shop.SEEN" in title for title in said) and any("shop.price_of()" in title for title in said)
    (leak,) = (finding for finding in found if finding["rule"] == "memory-leak")
    entries = next(claim["value"] for claim in leak["evidence"] if claim["unit"] == "entries")
    assert leak["bytes"] / entries == pytest.approx(10_000, rel=0.1)


@pytest.mark.parametrize(("how", "name"), first(1, SERVED))
def test_healthy_routes_raise_nothing(here: Here, port: int, how: str, name: str) -> None:
    memory = _memory(here, how, _server(name, port), port, HEALTHY, ENOUGH)
    assert [finding["title"] for finding in memory["findings"]] == []
    assert any(process["growth"] is not None for process in memory["processes"])
