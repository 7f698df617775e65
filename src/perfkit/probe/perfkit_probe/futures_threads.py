"""concurrent.futures: work that a request hands to a thread stays the request's, also by way of loop.run_in_executor."""

from __future__ import annotations

from typing import Any

from . import frames, hooks, spool
from .requests import Request, current, get_current
from .sites import handed, site


def apply(module: Any) -> None:
    for executor in ("ThreadPoolExecutor", "CurrentThreadExecutor"):
        found = getattr(module, executor, None)
        if found is not None:
            hooks.replaced(found, "submit", _submit)


def _submit(original: Any) -> Any:
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        request = get_current()
        if request is None or spool.closed:
            return original(self, fn, *args, **kwargs)
        return original(self, _carried(request, fn), *args, **kwargs)

    return submit


def _carried(request: Request, fn: Any) -> Any:
    """`fn` as the thread calls it. The line that handed it over counts where the thread's own stack holds none."""
    try:
        asked_at = site(3) or getattr(handed, "site", 0)
    except Exception as error:
        spool.broken("work in threads", error)
        asked_at = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        token = current.set(request)
        before = getattr(handed, "site", 0)
        handed.site = asked_at
        try:
            return frames.route(request.endpoint)(fn, args, kwargs)
        finally:
            handed.site = before
            current.reset(token)

    return call
