"""anyio's worker threads, in which Starlette and FastAPI run what is not asynchronous: below the request's route there too."""

from __future__ import annotations

from . import hooks, routes, spool
from .requests import carried, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    hooks.replaced(module, "run_sync", _run_sync)


def _run_sync(original: Any) -> Any:
    async def run_sync(func: Any, *args: Any, **kwargs: Any) -> Any:
        request = get_current()
        if request is None or spool.closed:
            return await original(func, *args, **kwargs)
        return await original(carried(request, routes.below(request)), func, args, {}, **kwargs)

    return run_sync
