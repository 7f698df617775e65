"""An ASGI application's call as a request: until the last part of its response is sent."""

from __future__ import annotations

from time import monotonic

from . import frames, loop_blocks, loop_watcher, spool
from .requests import ASGI, Request, current, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

loop_blocks.begin()
loop_watcher.begin()

_CANCELLED = ("CancelledError", "Cancelled")  # of asyncio and of trio


class AsyncRequest(Request):
    """`stepping`: one of its coroutines runs right now. `prefix`: the templates under which the application was mounted."""

    __slots__ = ("loop", "prefix", "stepping")

    def __init__(self, endpoint: str) -> None:
        super().__init__(ASGI, endpoint)
        self.prefix = ""
        self.stepping = False
        self.loop = loop_blocks.here()


def application(original: Any) -> Any:
    """The class's `__call__(self, scope, receive, send)`, timed. Websockets and lifespan go through untouched."""

    async def __call__(self: Any, scope: Any, receive: Any, send: Any, *more: Any) -> Any:
        if _passes(scope):
            return await original(self, scope, receive, send, *more)
        return await _timed(original, (self, scope, receive), send, more)

    return __call__


def served(called: Any, arrived: float = 0.0) -> Any:
    """The same for the application that a server was given, whatever it is. The request has been there since it `arrived`;
    where the loop was held since then, that is a part of it."""

    async def perfkit_application(scope: Any, receive: Any, send: Any) -> Any:
        if _passes(scope):
            return await called(scope, receive, send)
        return await _timed(called, (scope, receive), send, (), arrived)

    return perfkit_application


def _passes(scope: Any) -> bool:
    if spool.closed or scope.get("type") != "http":
        return True
    outer = get_current()
    # A server's task may still carry the request before it on the same connection: that one has ended.
    return outer is not None and not outer.ended


async def _timed(called: Any, args: Any, send: Any, more: Any, arrived: float = 0.0) -> Any:
    method = args[-2].get("method", "")
    request = AsyncRequest("%s (no route)" % method)
    if arrived and request.start - arrived > loop_blocks.LONG:
        request.start = arrived
    token = current.set(request)
    try:
        return await steps(called(*args, _noting(request, send, method != "HEAD"), *more), request)
    except BaseException as error:
        if not called_off(error):
            request.status = request.status or 500
        raise
    finally:
        request.end()
        reset(token)


def called_off(error: BaseException) -> bool:
    """Nobody waits for an answer. Groups of errors were no Exception in older versions of anyio, but are failures."""
    return isinstance(error, (GeneratorExit, KeyboardInterrupt, SystemExit)) or type(error).__name__ in _CANCELLED


def reset(token: Any) -> None:
    """The request is current no more."""
    try:
        current.reset(token)
    except ValueError:
        return  # a framework may finish it in another context than the one in which it began


def _noting(request: Request, send: Any, has_body: bool) -> Any:
    async def noting(message: Any) -> None:
        kind = message.get("type")
        if kind == "http.response.start":
            request.status = message.get("status", 0)
            request.size = 0
        await send(message)
        if kind == "http.response.body":
            if has_body:
                request.size += len(message.get("body", b""))
            if not message.get("more_body", False):
                request.end()
        elif kind == "http.response.pathsend":
            request.size = -1
            request.end()

    return noting


def steps(awaitable: Any, request: Any) -> Any:
    """What to await instead of a coroutine that works for an asynchronous request, in whichever task that is."""
    if isinstance(request, AsyncRequest) and hasattr(awaitable, "send"):
        return Steps(awaitable, request)
    return awaitable


@frames.hidden("request")
async def awaited(request: Request, function: Any, args: Any, kwargs: Any) -> Any:
    """As `routes.below`, for what is awaited, and for a task of its own: the request's frames and clock go there with it."""
    endpoint = request.endpoint
    if endpoint.endswith("(no route)"):
        return await steps(function(*args, **kwargs), request)
    return await steps(frames.async_route(endpoint)(function, args, kwargs), request)


class Steps:
    """Awaits a coroutine and adds up the time that its own steps take on the loop's thread, once where it is nested."""

    __slots__ = ("_coroutine", "_request")

    def __init__(self, coroutine: Any, request: AsyncRequest) -> None:
        self._coroutine = coroutine
        self._request = request

    def __await__(self) -> Generator[Any, Any, Any]:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._step(self._coroutine.send, None)

    def send(self, value: Any) -> Any:
        return self._step(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        if len(error) == 3 and isinstance(error[1], BaseException):
            # Python 3.12 warns of three arguments, and has done so to whoever called with them.
            error = (error[1].with_traceback(error[2]),)
        return self._step(self._coroutine.throw, *error)

    @frames.marked("request")
    def _step(self, forward: Any, *values: Any) -> Any:
        request = self._request
        if request.stepping:
            return forward(*values)
        request.stepping = True
        loop = request.loop
        before = loop.request
        loop.step = started = monotonic()
        loop.request = request
        try:
            return forward(*values)
        finally:
            seconds = monotonic() - started
            request.cpu += seconds
            request.stepping = False
            loop.request = before
            if seconds > loop_blocks.LONG:
                loop.slow(request, started, seconds)

    def close(self) -> None:
        self._coroutine.close()
