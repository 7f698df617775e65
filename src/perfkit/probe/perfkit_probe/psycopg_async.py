"""psycopg 3, its asynchronous half: the same spans, for the time that is awaited. Call sites are taken before."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks
from .psycopg_rows import (
    SYSTEM,
    at_rest,
    batches,
    connected,
    done,
    ended,
    here,
    many,
    opening,
    single,
    synced,
)
from .statements import MANY, executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any


def apply(module: Any) -> bool:
    known = True
    for owner in (module.AsyncCursor, module.AsyncServerCursor):
        known = hooks.replaced(owner, "execute", _execute) and known
        hooks.replaced(owner, "executemany", _executemany)
        hooks.replaced(owner, "stream", _stream)
        hooks.replaced(owner, "fetchone", _fetchone)
        if not hooks.replaced(owner, "__anext__", _anext):
            hooks.replaced(owner, "__aiter__", _aiter)  # a generator function before 3.3
        hooks.replaced(owner, "fetchmany", _fetch)
        hooks.replaced(owner, "fetchall", _fetch)
    for ending in ("commit", "rollback"):
        hooks.replaced(module.AsyncConnection, ending, _ends(ending.upper()))
    hooks.replaced(module.AsyncTransaction, "__aenter__", _aenter)
    hooks.replaced(module.AsyncTransaction, "__aexit__", _aexit)
    hooks.replaced(module.AsyncPipeline, "sync", _waits_for_all)
    hooks.replaced(module.AsyncPipeline, "__aexit__", _waits_for_all)
    return hooks.replaced(module.AsyncConnection, "connect", _connect) and known


def _execute(original: Any) -> Any:
    @frames.marked("span:sql")
    async def execute(self: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        stack = here()
        started = monotonic()
        try:
            return await original(self, query, params, **kwargs)
        finally:
            done(self, query, params, started, stack)

    return execute


def _executemany(original: Any) -> Any:
    @frames.marked("span:sql")
    async def executemany(self: Any, query: Any, params_seq: Any, **kwargs: Any) -> Any:
        stack = here()
        started = monotonic()
        batches.append(id(self._conn))
        try:
            return await original(self, query, params_seq, **kwargs)
        finally:
            batches.remove(id(self._conn))
            done(self, query, MANY, started, stack)

    return executemany


def _stream(original: Any) -> Any:
    """The statement runs until the first row is there."""

    @frames.marked("span:fetch")
    async def stream(self: Any, query: Any, params: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        rows = original(self, query, params, **kwargs)
        try:
            stack = here()
            started = monotonic()
            try:
                row = await rows.__anext__()
            except StopAsyncIteration:
                return
            finally:
                done(self, query, params, started, stack)
            started = monotonic()
            while True:
                single(self, started, True)
                yield row
                started = monotonic()
                try:
                    row = await rows.__anext__()
                except StopAsyncIteration:
                    return
        finally:
            await rows.aclose()

    return stream


def _aiter(original: Any) -> Any:
    @frames.marked("span:fetch")
    async def __aiter__(self: Any) -> AsyncIterator[Any]:
        rows = original(self)
        try:
            while True:
                started = monotonic()
                try:
                    row = await rows.__anext__()
                except StopAsyncIteration:
                    return
                single(self, started, True)
                yield row
        finally:
            await rows.aclose()

    return __aiter__


def _anext(original: Any) -> Any:
    @frames.marked("span:fetch")
    async def __anext__(self: Any) -> Any:
        started = monotonic()
        row = await original(self)
        single(self, started, True)
        return row

    return __anext__


def _fetchone(original: Any) -> Any:
    @frames.marked("span:fetch")
    async def fetchone(self: Any) -> Any:
        started = monotonic()
        row = await original(self)
        single(self, started, row is not None)
        return row

    return fetchone


def _fetch(original: Any) -> Any:
    @frames.marked("span:fetch")
    async def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        rows = await original(self, *args, **kwargs)
        many(self, started, rows)
        return rows

    return fetch


def _ends(text: str) -> Any:
    def make(original: Any) -> Any:
        @frames.marked("span:transaction")
        async def end(self: Any) -> Any:
            if at_rest(self):
                return await original(self)
            stack = here()
            started = monotonic()
            try:
                return await original(self)
            finally:
                executed(text, None, SYSTEM, started, -1, stack)

        return end

    return make


def _aenter(original: Any) -> Any:
    @frames.marked("span:transaction")
    async def __aenter__(self: Any) -> Any:
        stack = here()
        started = monotonic()
        try:
            return await original(self)
        finally:
            executed(opening(self), None, SYSTEM, started, -1, stack)

    return __aenter__


def _aexit(original: Any) -> Any:
    @frames.marked("span:transaction")
    async def __aexit__(self: Any, *error: Any) -> Any:
        stack = here()
        started = monotonic()
        try:
            return await original(self, *error)
        finally:
            text = ended(self, error[0] if error else None)
            if text:
                executed(text, None, SYSTEM, started, -1, stack)

    return __aexit__


def _waits_for_all(original: Any) -> Any:
    @frames.marked("span:transaction")
    async def wait(self: Any, *error: Any) -> Any:
        stack = here()
        started = monotonic()
        try:
            return await original(self, *error)
        finally:
            synced(self, started, stack)

    return wait


def _connect(original: Any) -> Any:
    @frames.marked("span:connect")
    async def connect(cls: Any, *args: Any, **kwargs: Any) -> Any:
        connection: Any = None
        stack = here()
        started = monotonic()
        try:
            connection = await original(cls, *args, **kwargs)
            return connection
        finally:
            connected(connection, started, stack)

    return connect
