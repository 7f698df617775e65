"""Starlette, and FastAPI on top of it: requests and their routes, also through mounted applications."""

from __future__ import annotations

from . import asgi, frames, hooks, routes, spool
from .requests import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ROUTES = "the routes of Starlette's requests"


def apply(module: Any) -> None:
    if module.__name__ == "starlette.applications":
        hooks.replaced(module.Starlette, "__call__", asgi.application)
    elif module.__name__ == "starlette.responses":
        hooks.replaced(module.StreamingResponse, "stream_response", _in_task)
    elif module.__name__ == "fastapi.routing":
        hooks.replaced(module.APIRoute, "handle", _routed)  # since FastAPI nests routers
    else:
        mounted = hooks.replaced(module.Mount, "handle", _mounted)
        if not (hooks.replaced(module.Route, "handle", _routed) and mounted):
            spool.gap(_ROUTES, "this version dispatches in another way", "profile with Starlette 0.16 to 1")


def _routed(original: Any) -> Any:
    @frames.hidden("self")
    async def handle(self: Any, scope: Any, receive: Any, send: Any) -> Any:
        request = get_current()
        if request is None or scope.get("type") != "http":
            return await original(self, scope, receive, send)
        try:
            routes.known(scope["method"], getattr(request, "prefix", "") + _path(self, scope))
        except Exception as error:
            spool.broken(_ROUTES, error)
        return await asgi.awaited(request, original, (self, scope, receive, send), {})

    return handle


def _path(route: Any, scope: Any) -> str:
    """With the prefixes of the routers that include it. FastAPI keeps those in the scope where it nests routers, and in the
    route itself before that."""
    nested = scope.get("fastapi")
    context = nested.get("effective_route_context") if nested else None
    if context is not None and context.original_route is route:
        return str(context.path)
    return str(route.path)


def _mounted(original: Any) -> Any:
    @frames.hidden("self")
    async def handle(self: Any, scope: Any, receive: Any, send: Any) -> Any:
        request = get_current()
        if not isinstance(request, asgi.AsyncRequest) or scope.get("type") != "http":
            return await original(self, scope, receive, send)
        try:
            before, request.prefix = request.prefix, request.prefix + self.path
            if not getattr(self, "routes", None):  # files, or an application of another kind
                routes.known(scope["method"], request.prefix + "/{path}")
        except Exception as error:
            spool.broken(_ROUTES, error)
        try:
            return await asgi.awaited(request, original, (self, scope, receive, send), {})
        finally:
            request.prefix = before

    return handle


def _in_task(original: Any) -> Any:
    """A response that streams beside a task that waits for the client to leave."""

    async def stream_response(self: Any, *args: Any, **kwargs: Any) -> Any:
        request = get_current()
        if request is None:
            return await original(self, *args, **kwargs)
        return await asgi.awaited(request, original, (self, *args), kwargs)

    return stream_response
