"""psycopg2.pool: it never waits, it refuses. What a refusal took is a wait that somebody has yet to do."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .requests import POOL, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    known = hooks.replaced(module.SimpleConnectionPool, "getconn", _getconn)
    if not (hooks.replaced(module.ThreadedConnectionPool, "getconn", _getconn) and known):
        spool.gap("refusals of psycopg2.pool", "this version is not known", "use psycopg2 2.8 or 2.9")


def _getconn(original: Any) -> Any:
    @frames.marked("span:pool")
    def getconn(self: Any, key: Any = None) -> Any:
        started = monotonic()
        connection: Any = None
        try:
            connection = original(self, key)
            return connection
        finally:
            if connection is None:
                _refused(self, started)

    return getconn


def _refused(pool: Any, started: float) -> None:
    try:
        if len(pool._used) >= pool.maxconn:
            span(POOL, name("postgresql"), started, monotonic() - started, pool.maxconn)
    except Exception as error:
        spool.broken("refusals of psycopg2.pool", error)
