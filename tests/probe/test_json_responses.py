"""What frameworks encode as JSON for a response is a span with the bytes that came out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from request_script import ran, write

from environments import LTS, NEW, OLD, OLDER, Environment

DATA = """
    DATA = {"rows": [{"number": number, "text": "x" * 10} for number in range(200)]}
"""
DJANGO = """
    import django
    from django.conf import settings
    settings.configure(USE_TZ=True, DEFAULT_CHARSET="utf-8")
    django.setup()
    from django.http import JsonResponse
    class Own(JsonResponse):
        pass
    def view():
        response = Own(DATA, status=201)
        print(type(response).__name__, response.status_code, len(response.content))
        try:
            JsonResponse([1])
        except TypeError as error:
            print("refused")
    serve(view)
    view()
"""
FLASK = """
    import flask
    app = flask.Flask("app")
    @app.route("/jsonify")
    def jsonify():
        return flask.jsonify(DATA)
    @app.route("/plain")
    def plain():
        return DATA
    client = app.test_client()
    for path in ("/jsonify", "/plain"):
        response = client.get(path)
        print(response.status_code, response.mimetype, len(response.data))
        response.close()
"""
STARLETTE = """
    from starlette.responses import JSONResponse
    def view():
        print(type(JSONResponse(DATA)).__name__, 200, len(JSONResponse(DATA).body))
    serve(view)
    view()
"""
FASTAPI = """
    import asyncio
    import fastapi
    app = fastapi.FastAPI()
    @app.get("/rows")
    async def rows():
        return DATA
    parts = []
    async def receive():
        return {"type": "http.request", "body": b""}
    async def send(message):
        parts.append(message)
    async def call():
        scope = {"type": "http", "method": "GET", "path": "/rows", "raw_path": b"/rows", "headers": [], "query_string": b"",
                 "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("x", 80), "client": ("y", 1)}
        await app(scope, receive, send)
    serve(lambda: asyncio.run(call()))
    print("-", parts[0]["status"], len(parts[1]["body"]))
"""
AIOHTTP = """
    from aiohttp import web
    def view():
        response = web.json_response(DATA, status=203)
        print(type(response).__name__, response.status, len(response.body))
    serve(view)
    view()
"""
DRF = """
    import django
    from django.conf import settings
    settings.configure(USE_TZ=True, INSTALLED_APPS=["rest_framework"])
    django.setup()
    from rest_framework.renderers import JSONRenderer
    def view():
        print("-", "-", len(JSONRenderer().render(DATA)))
    serve(view)
    view()
"""
CASES = {
    "django JsonResponse": (DJANGO, 1, "JsonResponse"),
    "flask json": (FLASK, 2, "flask"),
    "starlette JSONResponse": (STARLETTE, 2, "starlette"),
    "fastapi serialize_response": (FASTAPI, 1, "fastapi"),
    "aiohttp json_response": (AIOHTTP, 1, "aiohttp"),
    "rest_framework JSONRenderer": (DRF, 1, "rest_framework"),
}


@pytest.fixture(params=["here", "older", "old", "lts", "new"])
def somewhere(request: pytest.FixtureRequest, environment: Callable[[Environment], Path]) -> tuple[str, str]:
    known = {"older": OLDER, "old": OLD, "lts": LTS, "new": NEW}
    if request.param == "here":
        return sys.executable, "django flask starlette fastapi aiohttp rest_framework"
    chosen = known[request.param]
    names = " ".join(chosen.requirements).replace("djangorestframework", "rest_framework")
    return str(environment(chosen)), names + " starlette"


@pytest.mark.real
@pytest.mark.parametrize("name", CASES)
def test_responses(tmp_path: Path, somewhere: tuple[str, str], name: str) -> None:
    python, there = somewhere
    body, times, _ = CASES[name]
    if name.split()[0] not in there:
        pytest.skip(f"{name.split()[0]} is not among the libraries of this environment")
    out, process = ran(write(tmp_path / "app", DATA + body), python)
    size = int(out.split("\n")[0].split()[-1])
    encoded = [span for span in process.of("json") if process.name(span) == name]
    assert len(encoded) == times
    assert {span.count for span in encoded} <= {size, None}
    if name != "fastapi serialize_response":
        assert {span.count for span in encoded} == {size}
    assert all(span.request for span in encoded)


WAITING = """
    import asyncio, time
    import fastapi
    from anyio.to_thread import current_default_thread_limiter
    app = fastapi.FastAPI()
    @app.get("/rows")
    def rows() -> dict[str, list[int]]:
        time.sleep(0.2)
        return {"rows": [1, 2, 3]}
    async def receive():
        return {"type": "http.request", "body": b""}
    async def send(message):
        pass
    async def call():
        scope = {"type": "http", "method": "GET", "path": "/rows", "raw_path": b"/rows", "headers": [], "query_string": b"",
                 "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("x", 80), "client": ("y", 1)}
        await app(scope, receive, send)
    async def main():
        current_default_thread_limiter().total_tokens = 1
        await asyncio.gather(call(), call())
    asyncio.run(main())
"""


def test_waiting_for_a_thread_is_not_encoding(tmp_path: Path) -> None:
    """FastAPI validates what a plain function returns in a thread, for which it waits behind other requests."""
    pytest.importorskip("fastapi")
    _, process = ran(write(tmp_path / "app", WAITING), sys.executable)
    encoded = process.of("json")
    assert len(encoded) == 2
    assert sum(span.seconds for span in encoded) < 0.25 * max(request.seconds for request in process.requests)
