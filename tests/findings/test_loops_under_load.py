"""Real asynchronous servers under load: what holds the loop is found at its line, and a healthy one is left alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from every_day import first
from perfkit.recordings.reader import load
from perfkit_command import Here, kill_all
from servers_under_load import module

pytestmark = [pytest.mark.real, pytest.mark.alone]

SHOP = """
import asyncio, socket, threading, time, urllib.request
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()


def partner():
    \"\"\"Another service, in this process for the test's sake: each answer takes 40 ms.\"\"\"
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            connection, _ = listening.accept()
            connection.recv(4096)
            time.sleep(0.04)
            connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return "http://127.0.0.1:%d/" % listening.getsockname()[1]


PARTNER = partner()


@app.get("/sleeps")
async def sleeps():
    time.sleep(0.04)
    return {}


@app.get("/asks")
async def asks():
    return {"rate": len(urllib.request.urlopen(PARTNER).read())}


def compute():
    until = time.thread_time() + 0.06
    total = 0
    while time.thread_time() < until:
        total += sum(range(500))
    return total


@app.get("/computes")
async def computes():
    return {"total": compute()}


@app.get("/healthy")
async def healthy():
    await asyncio.sleep(0.02)
    return {"rows": list(range(50))}


@app.get("/threads")
def threads():
    time.sleep(0.02)
    return {}
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    (tmp_path / "shop.py").write_text(SHOP)
    place = Here(tmp_path)
    yield place
    for popen in place.started:
        kill_all(popen.pid)
        popen.wait()


def measured(here: Here, path: str, clients: int, *server: str) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (
        "-q",
        "--duration=3",
        "--warmup=0.5",
        f"--concurrency={clients}",
        f"--load=http://127.0.0.1:{port}{path}",
    )
    command = module("uvicorn", "shop:app", "--log-level=error", f"--port={port}", *server)
    ended = here.run(*command, options=options)
    assert ended.code == 0, ended.err
    report = here.report()
    accounting = report["accounting"]
    assert accounting["explained"] + accounting["unexplained"] == pytest.approx(accounting["measured"])
    recording = load(here.recordings[-1])
    begin = (recording.run.ready_at or 0.0) + recording.run.warmup
    lasted = sum(r.seconds for r in recording.requests if r.source == "probe" and r.start >= begin)
    # Beside the requests lies what the server does before and after them.
    assert lasted <= accounting["measured"] * (1 + 1e-6)
    assert accounting["measured"] - lasted < 3.5
    return report


def _first(report: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = report["findings"][0]
    return found


def _in_flight(report: dict[str, Any]) -> float:
    """Requests that were there at the same time, on average."""
    return float(report["accounting"]["measured"]) / 3.0


@pytest.mark.parametrize(
    ("path", "clients", "server"),
    first(
        2,
        [
            ("/asks", 8, ()),
            ("/sleeps", 64, ("--loop=uvloop",)),
            ("/sleeps", 1, ()),
            ("/sleeps", 8, ("--loop=asyncio",)),
            ("/sleeps", 8, ("--loop=uvloop",)),
            ("/sleeps", 64, ()),
        ],
    ),
)
def test_a_call_that_waits_is_charged_for_all_who_wait(
    here: Here, path: str, clients: int, server: tuple[str, ...]
) -> None:
    report = measured(here, path, clients, *server)
    finding = _first(report)
    calls = {"/sleeps": "time.sleep()", "/asks": "urllib.request.urlopen()"}
    assert (finding["rule"], finding["where"]["function"]) == ("sync-in-async", path[1:])
    assert finding["title"] == f"{calls[path]} holds the event loop in {path[1:]}()"
    assert finding["endpoint"] == f"GET {path}"
    assert finding["cost"]["share"] > 0.8
    assert _in_flight(report) > (1.2 if clients > 1 else 0.5)
    assert "plain `def`" in finding["advice"]["text"]


@pytest.mark.parametrize("clients", first(1, [8, 1, 64]))
def test_a_computation_is_charged_for_all_who_wait(here: Here, clients: int) -> None:
    report = measured(here, "/computes", clients)
    finding = _first(report)
    assert (finding["rule"], finding["where"]["function"]) == ("loop-blocked", "compute")
    assert finding["cost"]["share"] > 0.8
    assert _in_flight(report) > (1.2 if clients > 1 else 0.5)


@pytest.mark.parametrize(
    ("path", "clients"), first(2, [("/healthy", 64), ("/threads", 8), ("/healthy", 1), ("/healthy", 8)])
)
def test_a_healthy_server_is_left_alone(here: Here, path: str, clients: int) -> None:
    report = measured(here, path, clients)
    # A collection stops whatever awaits meanwhile: with many in flight that is a visible share of a healthy server, too.
    assert {finding["rule"] for finding in report["findings"]} <= {"hot-function", "gc"}
    if path == "/healthy":
        assert any("requests awaited" in note for note in report["run"]["notes"])
