"""A WSGI application's call as a request: from the call until its body is closed."""

from __future__ import annotations

from types import MethodType

from . import frames, routes, spool
from .requests import WSGI, Request, current, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_set_current, _reset_current = current.set, current.reset
# Iterators over what is there already: none of the application's code runs when they are asked for a part.
_READY: tuple[type, ...] = (type(iter([])), type(iter(())))


def application(original: Any) -> Any:
    """The class's `__call__(self, environ, start_response)`, timed. A call inside another request is a part of it."""

    def __call__(self: Any, environ: Any, start_response: Any) -> Any:
        outer = get_current()
        if spool.closed or (outer is not None and not outer.ended):
            return original(self, environ, start_response)
        return _timed(MethodType(original, self), environ, start_response)

    return __call__


def served(called: Any) -> Any:
    """The same for the application that a server was given, whatever it is."""

    def perfkit_application(environ: Any, start_response: Any) -> Any:
        outer = get_current()
        if spool.closed or (outer is not None and not outer.ended):
            return called(environ, start_response)
        return _timed(called, environ, start_response)

    return perfkit_application


@frames.marked("request")
def _timed(called: Any, environ: Any, start_response: Any) -> Any:
    # Until a route is known; paths are not kept: they hold what people typed.
    method = environ.get("REQUEST_METHOD", "")
    request = Request(WSGI, "%s (no route)" % method)

    def noting(status: Any, headers: Any, exc_info: Any = None) -> Any:
        try:
            request.status = int(str(status)[:3])
        except ValueError:
            request.status = 0
        # An application that passes no exc_info may serve a server that takes none.
        return start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)

    token = _set_current(request)
    try:
        result = called(environ, noting)
    except BaseException as error:
        if isinstance(error, Exception):
            request.status = request.status or 500
        request.end()
        raise
    finally:
        _reset_current(token)
    return _watched(request, result, environ, method != "HEAD")


def _watched(request: Request, result: Any, environ: Any, has_body: bool) -> Any:
    """The body, with its end noticed. What servers recognise by type (lists, files) goes through as it is."""
    try:
        if type(result) in (list, tuple):
            request.size = sum([len(part) for part in result if isinstance(part, bytes)]) if has_body else 0
            request.end()
            return result
        wrapper = environ.get("wsgi.file_wrapper")
        if wrapper is not None and (
            isinstance(result, wrapper) if isinstance(wrapper, type) else hasattr(result, "read")
        ):
            request.end()
            return result
        kind = type(result)
        return (_classes.get(kind) or _class_like(kind))(request, result, has_body)
    except Exception as error:
        spool.broken("bodies of WSGI responses", error)
        request.end()
        return result


class _Body:
    """An iterable body; the request ends when it is exhausted and closed, or thrown away."""

    _parts: Any = None

    def __init__(self, request: Request, body: Any, has_body: bool) -> None:
        self._request = request
        self._body = body
        self._has_body = has_body
        request.size = 0

    def __iter__(self) -> Iterator[bytes]:
        self._parts = iter(self._body)
        return self

    def __next__(self) -> bytes:
        if self._parts is None:
            self._parts = _inside(self._request, iter, self._body)
        try:
            part: bytes = (
                next(self._parts) if type(self._parts) in _READY else _inside(self._request, next, self._parts)
            )
        except StopIteration:
            raise
        except Exception:
            if not self._request.size:  # the server has sent nothing yet, and answers by itself
                self._request.status = 500
            raise
        if self._has_body and type(part) is bytes:
            self._request.size += len(part)
        return part

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                _inside(self._request, close)
        finally:
            self._request.end()

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what a type does not have itself an instance must not seem to have
            raise AttributeError(attribute)
        return getattr(self._body, attribute)

    def __del__(self) -> None:
        if not self._request.ended:
            self._request.end()


@frames.marked("request")
def _inside(request: Request, function: Any, *args: Any) -> Any:
    """What belongs to the body runs as the request that it answers, below its route."""
    token = _set_current(request)
    try:
        return routes.below(request)(function, args, {})
    finally:
        _reset_current(token)


_SPECIAL = ("__len__", "__bytes__", "__contains__", "__getitem__", "__setitem__", "__delitem__")
_MOST_CLASSES = 200
_classes: dict[type, type[_Body]] = {}


def _class_like(kind: type) -> type[_Body]:
    """Bodies that pass for the application's own: they have the operators that its type has, and its class."""
    given: dict[str, Any] = {name: _given_on(name) for name in _SPECIAL if hasattr(kind, name)}
    made = type("_Body", (_Body,), {**given, "__class__": kind})
    if len(_classes) < _MOST_CLASSES:
        _classes[kind] = made
    return made


def _given_on(name: str) -> Any:
    def special(self: Any, *args: Any) -> Any:
        return getattr(self._body, name)(*args)

    return special
