"""Flask: requests and their routes."""

from __future__ import annotations

from typing import Any

from . import frames, hooks, routes, spool, wsgi
from .requests import get_current


def apply(module: Any) -> None:
    # The class, not an instance's `wsgi_app`: that one users replace.
    hooks.replaced(module.Flask, "__call__", wsgi.application)
    if not hooks.replaced(module.Flask, "full_dispatch_request", _routed(module)):
        spool.gap(
            "the routes of Flask's requests", "this version dispatches in another way", "profile with Flask 2.0 to 3"
        )


def _routed(module: Any) -> Any:
    def make(original: Any) -> Any:
        def full_dispatch_request(self: Any, *args: Any, **kwargs: Any) -> Any:
            endpoint = _endpoint(module)
            if not endpoint:
                return original(self, *args, **kwargs)
            return frames.route(endpoint)(original, (self, *args), kwargs)

        return full_dispatch_request

    return make


def _endpoint(module: Any) -> str:
    if get_current() is None:
        return ""
    try:
        http = module.request
        rule = http.url_rule
        return "" if rule is None else routes.known(http.method, rule.rule)
    except Exception as error:
        spool.broken("the routes of Flask's requests", error)
        return ""
