"""Flask: requests and their routes."""

from __future__ import annotations

from . import frames, hooks, routes, spool, wsgi
from .requests import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    # The class, not an instance's `wsgi_app`: that one users replace.
    hooks.replaced(module.Flask, "__call__", wsgi.application)
    if not hooks.replaced(module.Flask, "full_dispatch_request", _routed(module)):
        spool.gap(
            "the routes of Flask's requests", "this version dispatches in another way", "profile with Flask 2.0 to 3"
        )


def _routed(module: Any) -> Any:
    # Through the proxy each attribute would be looked up anew.
    current_request = module.request._get_current_object

    def make(original: Any) -> Any:
        @frames.hidden("self")
        def full_dispatch_request(self: Any, *args: Any, **kwargs: Any) -> Any:
            endpoint = "" if get_current() is None else _endpoint(current_request)
            if not endpoint:
                return original(self, *args, **kwargs)
            return frames.route(endpoint)(original, (self, *args), kwargs)

        return full_dispatch_request

    return make


def _endpoint(current_request: Any) -> str:
    try:
        http = current_request()
        rule = http.url_rule
        return "" if rule is None else routes.known(http.method, rule.rule)
    except Exception as error:
        spool.broken("the routes of Flask's requests", error)
        return ""
