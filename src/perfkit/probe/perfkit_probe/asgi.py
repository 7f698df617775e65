"""An ASGI application's call as a request: until the last part of its response is sent."""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter
from typing import Any

from . import frames, spool
from .requests import ASGI, Request, current, get_current


def application(original: Any) -> Any:
    """The class's `__call__(self, scope, receive, send)`, timed. Websockets and lifespan go through untouched."""

    @frames.marked("request")
    async def __call__(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if spool.closed or scope.get("type") != "http" or get_current() is not None:
            await original(self, scope, receive, send)
            return
        request = Request(ASGI, "%s (no route)" % scope.get("method", ""))
        token = current.set(request)
        try:
            await Steps(original(self, scope, receive, _noting(request, send)), request)
        except BaseException:
            request.status = request.status or 500
            raise
        finally:
            request.end()
            try:
                current.reset(token)
            except ValueError:
                pass  # a framework may finish it in another context than the one in which it began

    return __call__


def _noting(request: Request, send: Any) -> Any:
    async def noting(message: Any) -> None:
        kind = message.get("type")
        if kind == "http.response.start":
            request.status = message.get("status", 0)
            request.size = 0
        await send(message)
        if kind == "http.response.body":
            request.size += len(message.get("body", b""))
            if not message.get("more_body", False):
                request.end()

    return noting


class Steps:
    """Awaits a coroutine and adds up the time that its own steps take on the loop's thread.

    `step` is what runs now and since when (monotonic), for whoever watches the loop.
    """

    __slots__ = ("_coroutine", "_request")

    def __init__(self, coroutine: Any, request: Request) -> None:
        self._coroutine = coroutine
        self._request = request

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # type: ignore[return-value]

    def __iter__(self) -> Any:
        return self

    @frames.marked("request")
    def __next__(self) -> Any:
        started = perf_counter()
        try:
            return self._coroutine.send(None)
        finally:
            self._request.cpu += perf_counter() - started

    @frames.marked("request")
    def send(self, value: Any) -> Any:
        started = perf_counter()
        try:
            return self._coroutine.send(value)
        finally:
            self._request.cpu += perf_counter() - started

    @frames.marked("request")
    def throw(self, *error: Any) -> Any:
        started = perf_counter()
        try:
            return self._coroutine.throw(*error)
        finally:
            self._request.cpu += perf_counter() - started

    def close(self) -> None:
        self._coroutine.close()
