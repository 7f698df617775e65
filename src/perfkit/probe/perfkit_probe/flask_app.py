"""Flask: requests and their routes."""

from __future__ import annotations

from typing import Any

from . import frames, hooks, wsgi
from .requests import get_current


def apply(module: Any) -> None:
    # The class, not an instance's `wsgi_app`: that one users replace.
    hooks.replaced(module.Flask, "__call__", wsgi.application)
    hooks.replaced(module.Flask, "full_dispatch_request", _routed)


def _routed(original: Any) -> Any:
    def full_dispatch_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        request = get_current()
        if request is None:
            return original(self, *args, **kwargs)
        try:
            from flask import request as http

            rule = http.url_rule
            if rule is not None:
                request.endpoint = frames.endpoint_text(http.method, rule.rule)
        except Exception:
            return original(self, *args, **kwargs)
        return frames.route(request.endpoint)(original, (self, *args), kwargs)

    return full_dispatch_request
