"""A Starlette site with mounted applications. Starlette 0.16 to 1."""

import time
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

ran = []


def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def nudge(request):
    return PlainTextResponse("")


async def item(request):
    return PlainTextResponse(f"item {request.path_params['number']}")


def sync(request):
    return PlainTextResponse("sync")


def spinning_sync(request):
    spin(20)
    return PlainTextResponse("")


async def spinning(request):
    spin(20)
    return PlainTextResponse("")


async def boom(request):
    raise ValueError("boom")


async def stream(request):
    async def parts():
        for number in range(5):
            yield f"part {number}\n"

    return StreamingResponse(parts())


async def spinning_stream(request):
    async def parts():
        yield "a"
        spin(20)
        yield "b"

    return StreamingResponse(parts())


def sync_stream(request):
    return StreamingResponse(iter(["a", "b", "c"]))


def endless(request):
    def parts():
        while True:
            yield b"x" * 65536

    return StreamingResponse(parts())


async def background(request):
    return PlainTextResponse("later", background=BackgroundTask(spin, 0.3))


class View(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse("got")

    def post(self, request):
        return PlainTextResponse("made", 201)


async def echo(websocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-passed"] = "yes"
        return response


async def plain(scope, receive, send):
    await PlainTextResponse("plain")(scope, receive, send)


@asynccontextmanager
async def lifespan(app):
    yield


routes = [
    Route("/nudge", nudge),
    Route("/items/{number:int}", item, methods=["GET", "POST"]),
    Route("/sync", sync),
    Route("/spin", spinning),
    Route("/spin-sync", spinning_sync),
    Route("/spin-stream", spinning_stream),
    Route("/boom", boom),
    Route("/stream", stream),
    Route("/sync-stream", sync_stream),
    Route("/endless", endless),
    Route("/background", background),
    Route("/view", View),
    WebSocketRoute("/echo", echo),
    Mount(
        "/v1/{tenant}",
        routes=[Route("/items/{number}", item), Mount("/deep", Starlette(routes=[Route("/sync", sync)]))],
    ),
    Mount("/plain", plain),
]
app = Starlette(routes=routes, lifespan=lifespan)
passed = Starlette(routes=routes, middleware=[Middleware(Passing)])
