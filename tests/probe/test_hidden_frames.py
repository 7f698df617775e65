"""Error reporters that honour `__traceback_hide__` (Sentry, Django, Werkzeug) see none of the probe's frames."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from probe_spool import run_with_probe

SEEN = """
import asyncio, sqlite3, sys

def shown(error):
    trace, frames = error.__traceback__, []
    while trace is not None:
        frame = trace.tb_frame
        if "perfkit" in frame.f_code.co_filename and not frame.f_locals.get("__traceback_hide__"):
            frames.append((frame.f_code.co_filename, frame.f_code.co_name))
        trace = trace.tb_next
    return frames
"""
DRIVER = """
database = sqlite3.connect(":memory:")
def fails(call, *args):
    try:
        call(*args)
    except Exception as error:
        assert "perfkit" in str([frame for frame in walk(error)]), "the probe is there"
        print(type(error).__name__, shown(error))
def walk(error):
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
fails(database.cursor().execute, "SELECT nothing")
fails(database.cursor().executemany, "SELECT nothing", [()])
fails(database.cursor().executescript, "SELECT nothing")
fails(sqlite3.connect, "/no/such/folder/at/all")
"""
FLASK = """
import flask
application = flask.Flask("a name")
@application.route("/boom")
def boom(): raise ValueError("boom")
@application.errorhandler(ValueError)
def told(error): return repr((type(error).__name__, shown(error)))
print(application.test_client().get("/boom").text)
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
async def boom(request): raise ValueError("boom")
def told(request, error): return PlainTextResponse(repr((type(error).__name__, shown(error))))
application = Starlette(routes=[Mount("/in", routes=[Route("/boom", boom)])], exception_handlers={ValueError: told})
async def receive(): return {"type": "http.request"}
async def send(message): print(message.get("body", b"").decode(), end="" if "status" in message else None)
scope = {"type": "http", "method": "GET", "path": "/in/boom", "headers": [], "query_string": b""}
asyncio.run(application(scope, receive, send))
"""


def run(source: str, python: str, folder: Path) -> str:
    script = folder / "program.py"
    script.write_text(SEEN + source)
    ended, _ = run_with_probe(script, folder / "spool", python)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_of_a_driver(python: str, tmp_path: Path) -> None:
    assert run(DRIVER, python, tmp_path) == "OperationalError []\n" * 4


@pytest.mark.parametrize("source", [FLASK, STARLETTE])
def test_of_a_framework(source: str, tmp_path: Path) -> None:
    assert run(source, sys.executable, tmp_path) == "('ValueError', [])\n"
