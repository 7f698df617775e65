"""Real servers with a middleware that computes: it is named, in each framework's own way of calling it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perfkit_command import Here, kill_all
from servers_under_load import module

pytestmark = [pytest.mark.real, pytest.mark.alone]

WORK = """
import hashlib

def work():
    for number in range(3000):
        hashlib.sha256(b"%d" % number).digest()
"""
DJANGO = """
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", MIDDLEWARE=[
    "django.contrib.sessions.middleware.SessionMiddleware", f"{__name__}.Audit", f"{__name__}.quick",
])
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from work import work

class Audit(MiddlewareMixin):
    def process_response(self, request, response):
        work()
        return response

def quick(get_response):
    return lambda request: get_response(request)

urlpatterns = [path("page", lambda request: JsonResponse({}))]
app = get_wsgi_application()
"""
STARLETTE = """
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from work import work

app = FastAPI()

class Audit(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        work()
        return await call_next(request)

class Quick:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)

@app.get("/page")
async def page():
    return {}

app.add_middleware(Quick)
app.add_middleware(Audit)
"""
AIOHTTP = """
import sys
from aiohttp import web
from work import work

@web.middleware
async def audit(request, handler):
    work()
    return await handler(request)

@web.middleware
async def quick(request, handler):
    return await handler(request)

async def page(request):
    return web.json_response({})

app = web.Application(middlewares=[quick, audit])
app.router.add_get("/page", page)
web.run_app(app, port=int(sys.argv[1]), print=None, access_log=None)
"""
FLASK = """
from flask import Flask
from work import work

app = Flask(__name__)

@app.after_request
def audit(response):
    work()
    return response

@app.get("/page")
def page():
    import json
    return json.loads("{}")
"""
GUNICORN = module("gunicorn", "app:app", "--log-level=error", "--bind=127.0.0.1:{port}")
UVICORN = module("uvicorn", "app:app", "--log-level=error", "--port={port}")
SERVERS = {
    "Django": (DJANGO, GUNICORN, "process_response"),
    "Starlette": (STARLETTE, UVICORN, "dispatch"),
    "aiohttp": (AIOHTTP, (UVICORN[0], "app.py", "{port}"), "audit"),
    "Flask": (FLASK, GUNICORN, "audit"),
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    (tmp_path / "work.py").write_text(WORK)
    place = Here(tmp_path)
    yield place
    for popen in place.started:
        kill_all(popen.pid)
        popen.wait()


@pytest.mark.parametrize("framework", SERVERS)
def test_the_middleware_that_computes_is_named(here: Here, framework: str) -> None:
    source, words, function = SERVERS[framework]
    (here.folder / "app.py").write_text(source)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("-q", "--duration=4", "--warmup=0.5", "--concurrency=2", f"--load=http://127.0.0.1:{port}/page")
    ended = here.run(*(word.format(port=port) for word in words), options=options)
    assert ended.code == 0, ended.err
    findings: list[dict[str, Any]] = here.findings()
    causes = [finding for finding in findings if finding["severity"] != "info"]
    assert causes and causes[0]["rule"] == "slow-middleware", findings
    assert causes[0]["where"]["function"].rpartition(".")[2] == function
    assert causes[0]["cost"]["share"] > 0.1
    assert "import-in-request" not in [finding["rule"] for finding in findings]
