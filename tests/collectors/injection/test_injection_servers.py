"""Into real servers that answer requests meanwhile: no request fails, no worker is restarted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from injected import ATTACHES, LONGEST, until

from perfkit.collectors.injection import inject
from perfkit.shared import processes

pytestmark = pytest.mark.real
CLIENTS = 4
APP = """
import asyncio, hashlib, json, os, time

def answer():
    number = sum(ord(letter) * place for place, letter in enumerate("perfkit" * 40))
    return json.dumps([number, hashlib.sha256(b"x" * 100_000).hexdigest()[:8], os.getpid()]).encode()

def wsgi(environ, start_response):
    time.sleep(0.002)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [answer()]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    await asyncio.sleep(0.002)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": answer()})
"""
SERVERS = {
    "gunicorn sync": ["gunicorn", "-w", "2", "-b", "127.0.0.1:0", "app:wsgi"],
    "gunicorn gthread": ["gunicorn", "-w", "1", "-k", "gthread", "--threads", "4", "-b", "127.0.0.1:0", "app:wsgi"],
    "uvicorn": ["uvicorn", "--lifespan", "off", "--port", "0", "app:asgi"],
    "uvicorn with uvloop": ["uvicorn", "--loop", "uvloop", "--lifespan", "off", "--port", "0", "app:asgi"],
}


class Load:
    """Clients that ask again and again, and keep what went wrong."""

    def __init__(self, url: str, clients: int) -> None:
        self._url, self._over = url, threading.Event()
        self.answers: list[bytes] = []
        self.failures: list[str] = []
        self._clients = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                with urllib.request.urlopen(self._url, timeout=LONGEST) as response:
                    self.answers.append(response.read())
            except OSError as error:
                self.failures.append(repr(error))

    def more(self) -> None:
        """Until each client was answered a few times more."""
        before = len(self.answers)
        until(lambda: bool(self.failures) or len(self.answers) >= before + 3 * len(self._clients))

    def __enter__(self) -> Load:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for client in self._clients:
            client.join()


@contextmanager
def serving(folder: Path, words: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    (folder / "app.py").write_text(APP)
    log = folder / "log"
    with log.open("wb") as out:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        server = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, stdout=out, stderr=out, env=kept)
    try:
        address = re.compile(r"http://127\.0\.0\.1:\d+")
        until(lambda: bool(address.search(log.read_text())))
        found = address.search(log.read_text())
        assert found
        yield server, found[0]
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        assert server.wait(LONGEST) in (0, -signal.SIGTERM), log.read_text()
        assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "idle"])
def test_no_request_fails(tmp_path: Path, spool: Path, name: str, loaded: bool) -> None:
    words = SERVERS[name]
    for package in {words[0], "uvloop" if "uvloop" in words else words[0]}:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    ran = tmp_path / "ran"
    source = f"import os\nwith open({str(ran)!r} + str(os.getpid()), 'a') as file: file.write('x')"
    with serving(tmp_path, words) as (server, url):
        with urllib.request.urlopen(url, timeout=LONGEST) as response:
            first = response.read().rpartition(b",")[0]
        workers = int(words[words.index("-w") + 1]) if "-w" in words else 0
        until(lambda: len(processes.descendants(server.pid)) == workers)
        pids = [server.pid, *processes.descendants(server.pid)]
        with Load(url, CLIENTS if loaded else 0) as load:
            load.more()
            for _ in range(ATTACHES):
                for pid in pids:
                    assert inject(pid, source, spool=str(spool), timeout=LONGEST) == "ptrace"
            load.more()
        assert load.failures == []
        assert {answer.rpartition(b",")[0] for answer in load.answers} <= {first}
        assert [server.pid, *processes.descendants(server.pid)] == pids
        assert [(tmp_path / f"ran{pid}").read_text() for pid in pids] == ["x" * ATTACHES] * len(pids)
