"""The route of the current request: what names its endpoint, and the frame below which its work runs."""

from __future__ import annotations

from . import frames
from .requests import TASK, Request, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    return _below.get(request.endpoint) or _made(request.endpoint)


_below: dict[str, Any] = {}
_MOST = 1000


def _made(endpoint: str) -> Any:
    made = _unrouted if endpoint.endswith("(no route)") else frames.route(endpoint)
    if len(_below) < _MOST:
        _below[endpoint] = made
    return made
