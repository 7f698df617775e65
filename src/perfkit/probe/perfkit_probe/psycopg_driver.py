"""psycopg 3: statements, rows, COPY, transactions and connections, synchronous and asynchronous."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, psycopg_async, psycopg_copy, spool
from .psycopg_rows import (
    SYSTEM,
    at_rest,
    batches,
    connected,
    done,
    ended,
    many,
    opening,
    single,
    synced,
)
from .statements import MANY, executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def apply(module: Any) -> None:
    complete = True
    for owner in (module.Cursor, module.ServerCursor):
        complete = hooks.replaced(owner, "execute", _execute) and complete
        hooks.replaced(owner, "executemany", _executemany)
        hooks.replaced(owner, "stream", _stream)
        hooks.replaced(owner, "fetchone", _fetchone)
        if not hooks.replaced(owner, "__next__", _next):
            hooks.replaced(owner, "__iter__", _iter)  # a generator function before 3.3
        hooks.replaced(owner, "fetchmany", _fetch)
        hooks.replaced(owner, "fetchall", _fetch)
    for ending in ("commit", "rollback"):
        hooks.replaced(module.Connection, ending, _ends(ending.upper()))
    hooks.replaced(module.Transaction, "__enter__", _enter)
    hooks.replaced(module.Transaction, "__exit__", _exit)
    hooks.replaced(module.Pipeline, "sync", _waits_for_all)
    hooks.replaced(module.Pipeline, "__exit__", _waits_for_all)
    psycopg_copy.apply(module)
    complete = hooks.replaced(module.Connection, "connect", _connect) and complete
    hooks.put(module, "connect", module.Connection.connect)
    if not (psycopg_async.apply(module) and complete):
        spool.gap("SQL through psycopg", "this version is not known", "use psycopg 3.1 to 3.3")


def _execute(original: Any) -> Any:
    @frames.marked("span:sql")
    def execute(self: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        started = monotonic()
        try:
            return original(self, query, params, **kwargs)
        finally:
            done(self, query, params, started)

    return execute


def _executemany(original: Any) -> Any:
    @frames.marked("span:sql")
    def executemany(self: Any, query: Any, params_seq: Any, **kwargs: Any) -> Any:
        started = monotonic()
        batches.append(id(self._conn))
        try:
            return original(self, query, params_seq, **kwargs)
        finally:
            batches.remove(id(self._conn))
            done(self, query, MANY, started)

    return executemany


def _stream(original: Any) -> Any:
    """The statement runs until the first row is there."""

    @frames.marked("span:fetch")
    def stream(self: Any, query: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
        rows = original(self, query, params, **kwargs)
        try:
            started = monotonic()
            try:
                row = next(rows)
            except StopIteration:
                return
            finally:
                done(self, query, params, started)
            started = monotonic()
            while True:
                single(self, started, True)
                yield row
                started = monotonic()
                try:
                    row = next(rows)
                except StopIteration:
                    return
        finally:
            rows.close()

    return stream


def _iter(original: Any) -> Any:
    @frames.marked("span:fetch")
    def __iter__(self: Any) -> Iterator[Any]:
        rows = original(self)
        try:
            while True:
                started = monotonic()
                try:
                    row = next(rows)
                except StopIteration:
                    return
                single(self, started, True)
                yield row
        finally:
            rows.close()

    return __iter__


def _next(original: Any) -> Any:
    @frames.marked("span:fetch")
    def __next__(self: Any) -> Any:
        started = monotonic()
        row = original(self)
        single(self, started, True)
        return row

    return __next__


def _fetchone(original: Any) -> Any:
    @frames.marked("span:fetch")
    def fetchone(self: Any) -> Any:
        started = monotonic()
        row = original(self)
        single(self, started, row is not None)
        return row

    return fetchone


def _fetch(original: Any) -> Any:
    @frames.marked("span:fetch")
    def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        rows = original(self, *args, **kwargs)
        many(self, started, rows)
        return rows

    return fetch


def _ends(text: str) -> Any:
    def make(original: Any) -> Any:
        @frames.marked("span:transaction")
        def end(self: Any) -> Any:
            if at_rest(self):
                return original(self)
            started = monotonic()
            try:
                return original(self)
            finally:
                executed(text, None, SYSTEM, started)

        return end

    return make


def _enter(original: Any) -> Any:
    @frames.marked("span:transaction")
    def __enter__(self: Any) -> Any:
        started = monotonic()
        try:
            return original(self)
        finally:
            executed(opening(self), None, SYSTEM, started)

    return __enter__


def _exit(original: Any) -> Any:
    @frames.marked("span:transaction")
    def __exit__(self: Any, *error: Any) -> Any:
        started = monotonic()
        try:
            return original(self, *error)
        finally:
            text = ended(self, error[0] if error else None)
            if text:
                executed(text, None, SYSTEM, started)

    return __exit__


def _waits_for_all(original: Any) -> Any:
    @frames.marked("span:transaction")
    def wait(self: Any, *error: Any) -> Any:
        started = monotonic()
        try:
            return original(self, *error)
        finally:
            synced(self, started)

    return wait


def _connect(original: Any) -> Any:
    @frames.marked("span:connect")
    def connect(cls: Any, *args: Any, **kwargs: Any) -> Any:
        connection: Any = None
        started = monotonic()
        try:
            connection = original(cls, *args, **kwargs)
            return connection
        finally:
            connected(connection, started)

    return connect
