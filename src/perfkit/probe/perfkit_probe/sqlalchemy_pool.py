"""SQLAlchemy: waits for a connection of a pool. Its statements are the drivers' to count."""

from __future__ import annotations

import sys
from time import monotonic

from . import frames, hooks, spool
from .dbapi import place
from .requests import POOL, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEAST = 0.0001  # seconds: a queue that holds a connection gives it in a hundredth of that
_SYSTEMS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}


def apply(module: Any) -> None:
    queue = sys.modules.get("%s.util.queue" % module.__name__)
    kinds = filter(None, [getattr(queue, kind, None) for kind in ("Queue", "AsyncAdaptedQueue")])
    if not any(hooks.replaced(kind, "get", _get) for kind in kinds):
        spool.gap(
            "waits for connections of SQLAlchemy's pools", "this version is not known", "use SQLAlchemy 1.3 to 2.1"
        )


def _get(original: Any) -> Any:
    """Only QueuePool takes from such a queue; it says `block` when nothing but a returned connection can help."""

    @frames.marked("span:pool")
    def get(self: Any, block: Any = True, timeout: Any = None) -> Any:
        if not block:
            return original(self, block, timeout)
        started = monotonic()
        try:
            return original(self, block, timeout)
        finally:
            seconds = monotonic() - started
            if seconds > _LEAST:
                _waited(sys._getframe(1).f_locals.get("self"), started, seconds)

    return get


def _waited(pool: Any, started: float, seconds: float) -> None:
    try:
        span(POOL, name(_address(pool)), started, seconds, pool.checkedout())
    except Exception as error:
        spool.broken("waits for connections", error)


def _address(pool: Any) -> str:
    """Of what the engine gives its driver; nothing else of that is looked at."""
    dialect = getattr(pool, "_dialect", None)
    system = _SYSTEMS.get(getattr(dialect, "name", ""), "database")
    creator: Any = getattr(pool, "_creator", None)
    code: Any = getattr(creator, "__code__", None)
    if code is None or "cparams" not in code.co_freevars:
        return system
    given = creator.__closure__[code.co_freevars.index("cparams")].cell_contents
    database = given.get("database") or given.get("dbname") or given.get("db")
    host, socket = given.get("host"), given.get("unix_socket")
    return "%s %s" % (system, place(host, given.get("port"), database, socket)) if host or socket else system
