"""Into real servers that answer requests meanwhile: no request fails, no worker is restarted."""

from __future__ import annotations

import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from injected import ATTACHES, LONGEST, until
from served import Load, serving

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


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "idle"])
def test_no_request_fails(tmp_path: Path, spool: Path, name: str, loaded: bool) -> None:
    words = SERVERS[name]
    for package in {words[0], "uvloop" if "uvloop" in words else words[0]}:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    ran = tmp_path / "ran"
    source = f"import os\nwith open({str(ran)!r} + str(os.getpid()), 'a') as file: file.write('x')"
    (tmp_path / "app.py").write_text(APP)
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
