"""httpcore, through which httpx goes: requests that the target sends, redirects each for itself."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .external_calls import WHAT, asked
from .sites import site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    pools = (("ConnectionPool", "handle_request", _sync), ("AsyncConnectionPool", "handle_async_request", _async))
    known = [
        hasattr(module, pool) and hooks.replaced(getattr(module, pool), method, make) for pool, method, make in pools
    ]
    if not all(known):
        spool.gap(WHAT + " through httpx", "this version of httpcore is not known", "use httpcore 0.14 to 1")


def _sync(original: Any) -> Any:
    @frames.marked("http")
    def handle_request(self: Any, request: Any) -> Any:
        stack, started = _site(), monotonic()
        try:
            return original(self, request)
        finally:
            asked(_host(request), started, stack)

    return handle_request


def _async(original: Any) -> Any:
    @frames.marked("http")
    async def handle_async_request(self: Any, request: Any) -> Any:
        stack, started = _site(), monotonic()
        try:
            return await original(self, request)
        finally:
            asked(_host(request), started, stack)

    return handle_async_request


def _site() -> int:
    try:
        return site(3)
    except Exception as error:
        spool.broken(WHAT, error)
        return 0


def _host(request: Any) -> Any:
    return getattr(getattr(request, "url", None), "host", None)
