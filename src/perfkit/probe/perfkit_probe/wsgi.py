"""A WSGI application's call as a request: from the call until its body is closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import frames, spool
from .requests import WSGI, Request, current, get_current


def application(original: Any) -> Any:
    """The class's `__call__(self, environ, start_response)`, timed. A call inside another request is a part of it."""

    @frames.marked("request")
    def __call__(self: Any, environ: Any, start_response: Any) -> Any:
        if spool.closed or get_current() is not None:
            return original(self, environ, start_response)
        request = Request(WSGI, _unrouted(environ))
        token = current.set(request)
        try:
            result = original(self, environ, _noting(request, start_response))
        except BaseException:
            request.status = request.status or 500
            request.end()
            raise
        finally:
            current.reset(token)
        return _watched(request, result, environ)

    return __call__


def _unrouted(environ: Any) -> str:
    """Until a route is known; paths are not kept: they hold what people typed."""
    return "%s (no route)" % environ.get("REQUEST_METHOD", "")


def _noting(request: Request, start_response: Any) -> Any:
    def noting(status: Any, headers: Any, exc_info: Any = None) -> Any:
        try:
            request.status = int(str(status)[:3])
        except ValueError:
            request.status = 0
        # An application that passes no exc_info may serve a server that takes none.
        return start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)

    return noting


def _watched(request: Request, result: Any, environ: Any) -> Any:
    """The body, with its end noticed. What servers recognise by type (lists, files) goes through as it is."""
    if type(result) in (list, tuple):
        request.size = sum([len(part) for part in result if isinstance(part, bytes)])
        request.end()
        return result
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type) and isinstance(result, wrapper):
        request.end()
        return result
    return _Body(request, result)


class _Body:
    """An iterable body; the request ends when it is exhausted and closed, or thrown away."""

    def __init__(self, request: Request, body: Any) -> None:
        self._request = request
        self._body = body
        self._parts: Any = None
        request.size = 0

    def __iter__(self) -> Iterator[bytes]:
        self._parts = iter(self._body)
        return self

    def __next__(self) -> bytes:
        return self._step()

    @frames.marked("request")
    def _step(self) -> bytes:
        request = self._request
        token = current.set(request)
        try:
            part: bytes = next(self._parts)
        finally:
            current.reset(token)
        request.size += len(part)
        return part

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._request.end()

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._body, attribute)

    def __del__(self) -> None:
        self._request.end()
