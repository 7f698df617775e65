"""concurrent.futures: work that a request hands to a thread stays the request's, also by way of loop.run_in_executor."""

from __future__ import annotations

from . import hooks, routes, spool
from .requests import carried, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        # Below the frame of its route, as in the thread that serves it.
        return original(self, carried(request, routes.below(request)), fn, args, kwargs)

    return submit
