"""asyncpg: statements, connections, waits for a pool. It makes rows into objects as they arrive: their fetch takes no time."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .dbapi import place
from .requests import CONNECT, POOL, TRANSACTION, name, span
from .statements import MANY, NOTHING, executed, fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Statement

_SYSTEM = "postgresql"
_open: dict[int, Statement] = {}  # what cursors run, by their ids: they have no place for it


def apply(module: Any) -> None:
    part = module.__name__.rpartition(".")[2]
    owner, methods = _METHODS[part]
    if part == "prepared_stmt" and hasattr(module.PreparedStatement, "fetchmany"):  # since 0.30
        methods = [*methods, ("fetchmany", _prepared_many)]
    holder = getattr(module, owner) if owner else module
    if not all(hooks.replaced(holder, method, make) for method, make in methods):
        spool.gap(
            "a part of the SQL through asyncpg (%s)" % (part,), "this version is not known", "use asyncpg 0.22 to 0.32"
        )


def _changed(status: Any) -> int:
    """`INSERT 0 3` and `UPDATE 3` changed three rows; of `SELECT 3` the rows count when they are fetched."""
    words: Any = status.split() if isinstance(status, (str, bytes)) else ()
    last = words[-1] if len(words) > 1 else b""
    return int(last) if last.isdigit() and words[0] not in ("SELECT", b"SELECT") else -1


def _execute(original: Any) -> Any:
    """With arguments it comes by `_execute`, without them it talks to the protocol itself."""

    @frames.marked("span:sql")
    async def execute(self: Any, query: Any, *args: Any, timeout: Any = None) -> Any:
        if args:
            return await original(self, query, *args, timeout=timeout)
        started = monotonic()
        status = None
        try:
            status = await original(self, query, timeout=timeout)
            return status
        finally:
            if query is self._reset_query:
                _reset(started)
            else:
                executed(query, None, _SYSTEM, started, _changed(status))

    return execute


def _reset(started: float) -> None:
    """What a pool sends to take a connection back, which ends so, is none of the application's statements."""
    try:
        span(TRANSACTION, name("RESET ALL", _SYSTEM), started, monotonic() - started)
    except Exception as error:
        spool.broken("connections given back by asyncpg", error)


def _with_rows(original: Any) -> Any:
    @frames.marked("span:sql")
    async def _execute(self: Any, query: Any, args: Any, *others: Any, **kwargs: Any) -> Any:
        started = monotonic()
        result: Any = None
        try:
            result = await original(self, query, args, *others, **kwargs)
            return result
        finally:
            _ran(query, args, started, result)

    return _execute


def _ran(query: Any, values: Any, started: float, result: Any) -> Statement:
    """`result` is a status, or rows, or rows, a status and whether that was all."""
    rows, status = result[:2] if type(result) is tuple else (result, None)
    if isinstance(result, (str, bytes)):
        rows, status = None, result
    what = executed(query, values, _SYSTEM, started, _changed(status))
    if rows:
        fetched(what, monotonic(), 0.0, len(rows))
    return what


def _many(original: Any) -> Any:
    @frames.marked("span:sql")
    async def _executemany(self: Any, query: Any, *others: Any, **kwargs: Any) -> Any:
        started = monotonic()
        result: Any = None
        try:
            result = await original(self, query, *others, **kwargs)
            return result
        finally:
            _ran(query, MANY, started, result)

    return _executemany


def _copied(original: Any) -> Any:
    @frames.marked("span:sql")
    async def copy_records_to_table(self: Any, table_name: Any, **kwargs: Any) -> Any:
        started = monotonic()
        result: Any = None
        try:
            result = await original(self, table_name, **kwargs)
            return result
        finally:
            _ran("COPY %s FROM STDIN (FORMAT binary)" % (table_name,), MANY, started, result)

    return copy_records_to_table


def _prepared(original: Any) -> Any:
    @frames.marked("span:sql")
    async def bind_execute(self: Any, args: Any, limit: Any, timeout: Any) -> Any:
        started = monotonic()
        rows: Any = None
        try:
            rows = await original(self, args, limit, timeout)
            return rows
        finally:
            what = executed(
                self._query, args, _SYSTEM, started, _changed(self._last_status) if rows is not None else -1
            )
            if rows:
                fetched(what, monotonic(), 0.0, len(rows))

    return bind_execute


def _prepared_many(original: Any) -> Any:
    """The method gives a coroutine and is none itself: it checks its connection when it is called."""

    def executemany(self: Any, args: Any, *, timeout: Any = None) -> Any:
        return _awaited(self._query, original(self, args, timeout=timeout))

    return executemany


@frames.marked("span:sql")
async def _awaited(query: Any, coroutine: Any) -> Any:
    started = monotonic()
    result: Any = None
    try:
        result = await coroutine
        return result
    finally:
        _ran(query, MANY, started, result)


def _text(cursor: Any) -> Any:
    return cursor._query or getattr(cursor._state, "query", "")


def _opened(original: Any) -> Any:
    """A cursor's first batch; `_bind` gives none."""

    @frames.marked("span:sql")
    async def bind(self: Any, *args: Any) -> Any:
        started = monotonic()
        rows: Any = None
        try:
            rows = await original(self, *args)
            return rows
        finally:
            _open[id(self)] = _ran(_text(self), self._args, started, rows if type(rows) is list else None)

    return bind


def _further(original: Any) -> Any:
    @frames.marked("span:fetch")
    async def _exec(self: Any, *args: Any) -> Any:
        started = monotonic()
        rows = await original(self, *args)
        if rows:
            fetched(_open.get(id(self), NOTHING), started, monotonic() - started, len(rows))
        return rows

    return _exec


def _gone(original: Any) -> Any:
    def __del__(self: Any) -> None:
        _open.pop(id(self), None)
        original(self)

    return __del__


def _connect(original: Any) -> Any:
    @frames.marked("span:connect")
    async def _connect(**kwargs: Any) -> Any:
        if spool.closed:
            return await original(**kwargs)
        started = monotonic()
        connection: Any = None
        try:
            connection = await original(**kwargs)
            return connection
        finally:
            seconds = monotonic() - started
            try:
                span(CONNECT, name(_address(connection)), started, seconds)
            except Exception as error:
                spool.broken("connections of asyncpg", error)

    return _connect


def _address(connection: Any) -> str:
    if connection is None:
        return _SYSTEM
    where, database = connection._addr, connection._params.database
    host, port = (None, None) if isinstance(where, str) else where
    return "%s %s" % (_SYSTEM, place(host, port, database, where if isinstance(where, str) else None))


def _acquire(original: Any) -> Any:
    @frames.marked("span:pool")
    async def _acquire(self: Any, timeout: Any) -> Any:
        if spool.closed or not self._queue.empty():
            return await original(self, timeout)
        started = monotonic()
        proxy: Any = None
        try:
            proxy = await original(self, timeout)
            return proxy
        finally:
            seconds = monotonic() - started
            try:
                span(POOL, name(_address(getattr(proxy, "_con", None))), started, seconds, len(self._holders))
            except Exception as error:
                spool.broken("waits for connections of asyncpg", error)

    return _acquire


_METHODS: dict[str, tuple[str, list[tuple[str, Any]]]] = {
    "connect_utils": ("", [("_connect", _connect)]),
    "connection": (
        "Connection",
        [
            ("execute", _execute),
            ("_execute", _with_rows),
            ("_executemany", _many),
            ("_copy_in", _many),
            ("_copy_out", _many),
            ("copy_records_to_table", _copied),
        ],
    ),
    "cursor": ("BaseCursor", [("_bind_exec", _opened), ("_bind", _opened), ("_exec", _further), ("__del__", _gone)]),
    "pool": ("Pool", [("_acquire", _acquire)]),
    "prepared_stmt": (
        "PreparedStatement",
        [("_PreparedStatement__bind_execute", _prepared), ("executemany", _prepared_many)],
    ),
}
