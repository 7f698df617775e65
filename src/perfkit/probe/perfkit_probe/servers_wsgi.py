"""gunicorn, wsgiref and waitress: each request that they hand to an application, so that one of a framework that is not
known counts."""

from __future__ import annotations

from . import hooks, requests, wsgi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CALLED_BY = ("gunicorn.workers.sync", "gunicorn.workers.gthread", "gunicorn.workers.base_async")


def apply(module: Any) -> None:
    if module.__name__ == "gunicorn.workers.base":
        hooks.replaced(module.Worker, "load_wsgi", _load_wsgi)
    elif module.__name__ == "waitress.server":
        hooks.replaced(module.BaseWSGIServer, "__init__", _given)
    else:
        hooks.replaced(module.BaseHandler, "run", _run)


def _load_wsgi(original: Any) -> Any:
    def load_wsgi(self: Any) -> None:
        original(self)
        # Other workers hand `wsgi` on to a server of their own, which may be one for ASGI.
        modules = [base.__module__ for base in type(self).__mro__]
        if any(name in modules for name in _CALLED_BY) and callable(getattr(self, "wsgi", None)):
            self.wsgi = wsgi.served(self.wsgi)
        if "gunicorn.workers.base_async" in modules:
            requests.thread_is_shared = True

    return load_wsgi


def _given(original: Any) -> Any:
    def __init__(self: Any, application: Any, *args: Any, **kwargs: Any) -> None:
        original(self, wsgi.served(application), *args, **kwargs)

    return __init__


def _run(original: Any) -> Any:
    def run(self: Any, application: Any) -> Any:
        return original(self, wsgi.served(application))

    return run
