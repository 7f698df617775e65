"""A server that answered once and then idled until it was stopped: its only request is in the recording."""

from __future__ import annotations

import sys

import pytest

from perfkit.recordings import load
from perfkit_command import Here

SERVER = """
import pathlib, signal, sqlite3, sys, time
from wsgiref.simple_server import make_server

def application(environ, start_response):
    sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
    time.sleep(0.01)
    start_response("200 OK", [])
    return [b"once"]

if sys.argv[1] == "graceful":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = make_server("127.0.0.1", 0, application)
pathlib.Path("port.new").write_text(str(server.server_port))
pathlib.Path("port.new").rename("port")
server.serve_forever()
"""
CLIENT = """
import pathlib, time, urllib.request
while not pathlib.Path("port").exists():
    time.sleep(0.01)
print(urllib.request.urlopen("http://127.0.0.1:" + pathlib.Path("port").read_text()).read())
"""


@pytest.mark.parametrize("end", ["graceful", "killed"])
def test_the_only_request_is_seen_with_its_statement(here: Here, end: str) -> None:
    (here.folder / "server.py").write_text(SERVER)
    (here.folder / "client.py").write_text(CLIENT)
    ended = here.run(sys.executable, "server.py", end, options=["--while", f"{sys.executable} client.py"])
    assert ended.code == 0, ended.err
    (recording,) = here.recordings
    found = load(recording)
    (request,) = found.requests
    assert request.status == 200
    assert [(span.kind, span.request) for span in found.spans if span.kind in ("sql", "fetch")] == [
        ("sql", request.number),
        ("fetch", request.number),
    ]
