"""aiohttp's client: requests that the target sends, redirects and repetitions each for itself."""

from __future__ import annotations

from _contextvars import ContextVar
from time import monotonic

from . import frames, hooks, spool
from .external_calls import WHAT, asked
from .sites import site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Host, start and call site: the same task connects, sends, and waits for the headers.
_begun: ContextVar[tuple[Any, float, int] | None] = ContextVar("perfkit_asked", default=None)


def apply(module: Any) -> None:
    if module.__name__ == "aiohttp.connector":
        known = hooks.replaced(module.BaseConnector, "connect", _connects)
    else:
        known = hooks.replaced(module.ClientRequest, "send", _sends)
        known = hooks.replaced(module.ClientResponse, "start", _starts) and known
    if not known:
        spool.gap(WHAT + " through aiohttp", "this version is not known", "use aiohttp 3.8 or newer")


def _connects(original: Any) -> Any:
    @frames.marked("http")
    async def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        try:
            asking = args[0] if args else kwargs["req"]
            _begun.set((asking.url.host, started, site()))
        except Exception as error:
            spool.broken(WHAT, error)
        try:
            return await original(self, *args, **kwargs)
        except BaseException:
            _told()
            raise

    return connect


def _sends(original: Any) -> Any:
    @frames.marked("http")
    @frames.hidden("self")
    async def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, *args, **kwargs)
        except BaseException:
            _told()
            raise

    return send


def _starts(original: Any) -> Any:
    @frames.marked("http")
    @frames.hidden("self")
    async def start(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, *args, **kwargs)
        finally:
            _told()

    return start


def _told() -> None:
    try:
        begun = _begun.get()
        if begun is not None:
            _begun.set(None)
            asked(*begun)
    except Exception as error:
        spool.broken(WHAT, error)
