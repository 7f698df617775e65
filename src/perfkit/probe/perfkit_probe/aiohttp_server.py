"""aiohttp's server: requests and their routes. Websockets go through untouched."""

from __future__ import annotations

from types import coroutine

from . import asgi, frames, hooks, routes, spool
from .requests import current, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

_ROUTES = "the routes of aiohttp's requests"


def apply(module: Any) -> None:
    if module.__name__ == "aiohttp.web_protocol":
        if not hooks.replaced(module.RequestHandler, "_handle_request", _timed):
            spool.gap(
                "aiohttp's requests", "this version serves them in another way", "profile with aiohttp 3.8 or newer"
            )
    elif module.__name__ == "aiohttp.web_response":
        hooks.replaced(module.StreamResponse, "write", _written)
    else:
        hooks.replaced(module.UrlDispatcher, "resolve", _resolved)


def _timed(original: Any) -> Any:
    async def _handle_request(self: Any, http: Any, *args: Any, **kwargs: Any) -> Any:
        outer = get_current()
        if spool.closed or (outer is not None and not outer.ended) or _upgrades(http):
            return await original(self, http, *args, **kwargs)
        request = _Rerouted("%s (no route)" % http.method)
        token = current.set(request)
        try:
            ended = await _RoutedSteps(original(self, http, *args, **kwargs), request)
            _note(request, http, ended)
            return ended
        except BaseException as error:
            if not asgi.called_off(error):
                request.status = request.status or 500
            raise
        finally:
            request.end()
            asgi.reset(token)

    return _handle_request


def _upgrades(http: Any) -> bool:
    return "websocket" in http.headers.get("Upgrade", "").lower()


def _note(request: Any, http: Any, ended: Any) -> None:
    try:
        response = ended[0]
        request.status = response.status
        if http.method == "HEAD":
            request.size = 0
        elif response.content_length is not None:
            request.size = response.content_length
    except Exception as error:
        spool.broken("the status of aiohttp's responses", error)


_REROUTED = object()


def _written(original: Any) -> Any:
    async def write(self: Any, data: Any) -> Any:
        request = get_current()
        if isinstance(request, _Rerouted) and isinstance(data, (bytes, bytearray)):
            request.size = max(request.size, 0) + len(data)
        return await original(self, data)

    return write


class _Rerouted(asgi.AsyncRequest):
    """One whose steps understand `_REROUTED`."""

    __slots__ = ()


@coroutine
def _reroute() -> Generator[Any, Any, None]:
    yield _REROUTED


def _resolved(original: Any) -> Any:
    async def resolve(self: Any, http: Any) -> Any:
        match = await original(self, http)
        request = get_current()
        try:
            resource = match.route.resource
            if request is None or resource is None or not routes.known(http.method, resource.canonical):
                return match
        except Exception as error:
            spool.broken(_ROUTES, error)
            return match
        if isinstance(request, _Rerouted) and request.stepping:
            await _reroute()
        return match

    return resolve


class _RoutedSteps(asgi.Steps):
    """Takes each step below the frame of the route that is known by then.

    The handler is called in the very step that finds its route, and is not to be wrapped: middlewares look at it. So the
    dispatcher says by a yield that the route is known; that ends the frames up to here, and nobody outside sees it.
    """

    __slots__ = ()

    @frames.marked("request")
    def _step(self, forward: Any, *values: Any) -> Any:
        request = self._request
        answer = routes.below(request)(super()._step, (forward, *values), {})
        while answer is _REROUTED:
            answer = routes.below(request)(super()._step, (self._coroutine.send, None), {})
        return answer
