"""psycopg_pool: waits for a connection, where none is free."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .psycopg_rows import address, here
from .requests import POOL, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    known = hooks.replaced(module.ConnectionPool, "getconn", _getconn)
    if not (hooks.replaced(module.AsyncConnectionPool, "getconn", _async_getconn) and known):
        spool.gap("waits for connections of psycopg_pool", "this version is not known", "use psycopg_pool 3.1 to 3.3")


def _getconn(original: Any) -> Any:
    @frames.marked("span:pool")
    def getconn(self: Any, timeout: Any = None) -> Any:
        if spool.closed or getattr(self, "_pool", None):
            return original(self, timeout)
        connection: Any = None
        started = monotonic()
        try:
            connection = original(self, timeout)
            return connection
        finally:
            _waited(self, connection, started, here())

    return getconn


def _async_getconn(original: Any) -> Any:
    @frames.marked("span:pool")
    async def getconn(self: Any, timeout: Any = None) -> Any:
        if spool.closed or getattr(self, "_pool", None):
            return await original(self, timeout)
        connection: Any = None
        stack = here()
        started = monotonic()
        try:
            connection = await original(self, timeout)
            return connection
        finally:
            _waited(self, connection, started, stack)

    return getconn


def _waited(pool: Any, connection: Any, started: float, stack: int) -> None:
    seconds = monotonic() - started
    try:
        span(POOL, name(address(connection)), started, seconds, getattr(pool, "_nconns", -1), stack=stack)
    except Exception as error:
        spool.broken("waits for connections of psycopg_pool", error)
