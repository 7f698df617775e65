"""Django: requests through WSGI and ASGI, the routes of their views, and templates that are rendered after the view."""

from __future__ import annotations

import re

from . import asgi, frames, hooks, routes, spool, wsgi
from .requests import TASK, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where one pattern is included in another, each regular expression has its own anchor.
_ANCHOR = re.compile(r"(^|/)\^|(?:\$|\\Z)$")
_MOST_ROUTES = 5000
_Function: Any = type(lambda: None)  # types.FunctionType
_COROUTINE = 0x80  # inspect.CO_COROUTINE
# What functions carry that are to pass for coroutine functions: asyncio's, asgiref's and inspect's.
_MARKS = frozenset(("_is_coroutine", "_is_coroutine_mark"))


def apply(module: Any) -> None:
    if module.__name__ == "django.core.handlers.wsgi":
        hooks.replaced(module.WSGIHandler, "__call__", wsgi.application)
    elif module.__name__ == "django.core.handlers.asgi":
        hooks.replaced(module.ASGIHandler, "__call__", asgi.application)
        hooks.replaced(module.ASGIHandler, "send_response", _in_task)
    elif module.__name__ == "django.template.response":
        hooks.replaced(module.SimpleTemplateResponse, "render", _rendered)
    elif not _dispatch(module):
        spool.gap(
            "the routes of Django's requests", "this version dispatches in another way", "profile with Django 3.2 to 6"
        )


def _dispatch(module: Any) -> bool:
    handler = module.BaseHandler
    hooks.replaced(handler, "get_response_async", _in_task)
    resolved = hooks.replaced(handler, "resolve_request", _resolved)
    return hooks.replaced(handler, "make_view_atomic", _viewed(module)) and resolved


def _resolved(original: Any) -> Any:
    known: dict[tuple[Any, str], str] = {}

    def resolve_request(self: Any, request: Any) -> Any:
        match = original(self, request)
        try:
            serving = get_current()
            if serving is not None and serving.kind != TASK:
                resolved = request.method, request.resolver_match.route
                serving.endpoint = known.get(resolved) or endpoint(*resolved)
        except Exception as error:
            spool.broken("the routes of Django's requests", error)
        return match

    def endpoint(method: Any, route: Any) -> str:
        text = frames.endpoint_text(method, _template(str(route)))
        if len(known) < _MOST_ROUTES:
            known[method, route] = text
        return text

    return resolve_request


def _template(route: str) -> str:
    """`shop/<int:pk>/` as a path; a regular expression without its anchors."""
    return "/" + _ANCHOR.sub(r"\1", route).lstrip("/")


def _viewed(module: Any) -> Any:
    """The view as it is called: still a coroutine function where it was one."""
    # Django's own since 4.2.
    is_async: Any = getattr(module, "iscoroutinefunction", None) or module.asyncio.iscoroutinefunction

    def make(original: Any) -> Any:
        def make_view_atomic(self: Any, view: Any) -> Any:
            made = original(self, view)
            request = get_current()
            if request is None or request.kind == TASK:
                return made
            plain = type(made) is _Function and _MARKS.isdisjoint(made.__dict__)
            awaited = made.__code__.co_flags & _COROUTINE if plain else is_async(made)
            return (_awaited if awaited else _called)(made, request.endpoint)

        return make_view_atomic

    return make


# The argument's name hides the frame, as `frames.hidden` would, which makes a code object each time.
def _called(made: Any, endpoint: str) -> Any:
    call = frames.route(endpoint)

    def view(*__traceback_hide__: Any, **kwargs: Any) -> Any:
        return call(made, __traceback_hide__, kwargs)

    return view


def _awaited(made: Any, endpoint: str) -> Any:
    call = frames.async_route(endpoint)

    async def view(*__traceback_hide__: Any, **kwargs: Any) -> Any:
        return await call(made, __traceback_hide__, kwargs)

    return view


def _rendered(original: Any) -> Any:
    def render(self: Any) -> Any:
        request = get_current()
        return original(self) if request is None else routes.below(request)(original, (self,), {})

    return render


def _in_task(original: Any) -> Any:
    """Newer versions answer in a task beside the one that the server began."""

    async def perfkit_awaited(*args: Any, **kwargs: Any) -> Any:
        request = get_current()
        if request is None:
            return await original(*args, **kwargs)
        return await asgi.awaited(request, original, args, kwargs)

    return perfkit_awaited
