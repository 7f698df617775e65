"""aiosqlite: sqlite3 in a thread of its own. What runs there belongs to the request, and to the line, that awaits it."""

from __future__ import annotations

from . import hooks, requests, sites, spool
from .statements import NOTHING, Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    known = hooks.replaced(module.Connection, "_execute", _execute)
    if not (hooks.replaced(module.Connection, "_connect", _connect) and known):
        spool.gap(
            "requests and lines of SQL through aiosqlite", "this version is not known", "use aiosqlite 0.17 to 0.22"
        )


def _execute(original: Any) -> Any:
    async def _execute(self: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        asked = _asked()
        if asked is None:
            return await original(self, fn, *args, **kwargs)
        try:
            return await original(self, _carried(fn, asked), *args, **kwargs)
        finally:
            asked.answered(getattr(getattr(fn, "__self__", None), "perfkit_last", NOTHING))

    return _execute


def _connect(original: Any) -> Any:
    async def _connect(self: Any) -> Any:
        connector, asked = getattr(self, "_connector", None), _asked()
        if connector is None or asked is None:
            return await original(self)
        asked.over = True  # a connection has spans of its own
        self._connector = _carried(connector, asked)
        try:
            return await original(self)
        finally:
            self._connector = connector

    return _connect


def _asked() -> Asked | None:
    if spool.closed:
        return None
    try:
        return Asked(sites.site(2))
    except Exception as error:
        spool.broken("statements through aiosqlite", error)
        return None


def _carried(function: Any, asked: Asked) -> Any:
    """`function` for the thread, with what only the awaiting side knows."""
    request = requests.get_current()

    def call(*args: Any, **kwargs: Any) -> Any:
        in_request, before = requests.current.set(request), sites.hand(asked)
        try:
            return function(*args, **kwargs)
        finally:
            sites.hand(before)
            requests.current.reset(in_request)

    return call
