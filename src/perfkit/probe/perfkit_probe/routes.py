"""The route of the current request: what names its endpoint, and the frame below which its work runs."""

from __future__ import annotations

from typing import Any

from . import asgi, frames
from .requests import TASK, Request, get_current


def known(method: Any, template: str) -> str:
    """Name the current request by its route. The endpoint; empty where there is no request, or a task that calls a
    framework as a part of itself."""
    request = get_current()
    if request is None or request.kind == TASK:
        return ""
    request.endpoint = endpoint = frames.endpoint_text(method, template)
    return endpoint


@frames.marked("request")
def _unrouted(function: Any, args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


def below(request: Request) -> Any:
    """`below(request)(function, args, kwargs)` calls it below the route's frame, or one that says that a request is served."""
    endpoint = request.endpoint
    return _unrouted if endpoint.endswith("(no route)") else frames.route(endpoint)


async def awaited(request: Request, function: Any, args: Any, kwargs: Any) -> Any:
    """The same for what is awaited, and for a task of its own: the request's frames and clock go there with it."""
    endpoint = request.endpoint
    if endpoint.endswith("(no route)"):
        return await asgi.steps(function(*args, **kwargs), request)
    return await asgi.steps(frames.async_route(endpoint)(function, args, kwargs), request)
