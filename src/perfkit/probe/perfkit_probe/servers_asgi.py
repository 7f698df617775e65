"""uvicorn, hypercorn and gunicorn's worker for ASGI: each request that they hand to an application, so that
one of a framework that is not known counts."""

from __future__ import annotations

from time import monotonic

from . import asgi, hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    if module.__name__ == "hypercorn.app_wrappers":
        hooks.replaced(module.ASGIWrapper, "__call__", asgi.application)
    elif module.__name__ == "gunicorn.workers.gasgi":
        hooks.replaced(module.ASGIWorker, "load_wsgi", _load_wsgi)
    else:
        hooks.replaced(module.RequestResponseCycle, "run_asgi", _run_asgi)


def _run_asgi(original: Any) -> Any:
    def run_asgi(self: Any, app: Any) -> Any:
        # Called when the request has been read. Its task runs when the loop comes to it: what holds the loop holds it, too.
        return original(self, asgi.served(app, monotonic()))

    return run_asgi


def _load_wsgi(original: Any) -> Any:
    def load_wsgi(self: Any) -> None:
        original(self)
        if callable(getattr(self, "asgi", None)):
            self.asgi = asgi.served(self.asgi)

    return load_wsgi
