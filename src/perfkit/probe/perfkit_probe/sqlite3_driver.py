"""sqlite3: statements, and the rows fetched. Connections and cursors are subclasses of what the application asked for."""

from __future__ import annotations

from time import monotonic
from typing import Any, Dict, Tuple

from . import frames, hooks, spool
from .requests import CONNECT, name, span
from .statements import executed, fetched

_SYSTEM = "sqlite"
_connections: Dict[Any, Any] = {}
_cursors: Dict[Any, Any] = {}


def apply(module: Any) -> None:
    hooks.replaced(module, "connect", _connect_of(module))


def _connect_of(module: Any) -> Any:
    def make(original: Any) -> Any:
        @frames.marked("span:connect")
        def connect(*args: Any, **kwargs: Any) -> Any:
            if spool.closed:
                return original(*args, **kwargs)
            args, kwargs = _with_factory(module, args, kwargs)
            started = monotonic()
            connection = original(*args, **kwargs)
            try:
                span(CONNECT, name("sqlite3"), started, monotonic() - started)
            except Exception as error:
                spool.broken("sqlite3 connections", error)
            return connection

        return connect

    return make


def _with_factory(module: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """The same arguments with a factory of ours, made of the application's own where it gives one."""
    base = args[5] if len(args) > 5 else kwargs.get("factory", module.Connection)
    try:
        made = _connection_class(module, base)
    except Exception:  # a factory that is not a class cannot be extended
        return args, kwargs
    if len(args) > 5:
        return (*args[:5], made, *args[6:]), kwargs
    return args, dict(kwargs, factory=made)


def _connection_class(module: Any, base: Any) -> Any:
    found = _connections.get(base)
    if found is not None:
        return found

    class Connection(base):  # type: ignore[misc]
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(_cursor_class(module.Cursor if factory is None else factory))

        def execute(self, sql: Any, parameters: Any = (), /) -> Any:
            return self.cursor().execute(sql, parameters)

        def executemany(self, sql: Any, parameters: Any, /) -> Any:
            return self.cursor().executemany(sql, parameters)

        def executescript(self, script: Any, /) -> Any:
            return self.cursor().executescript(script)

        @frames.marked("span:transaction")
        def commit(self) -> None:
            if not self.in_transaction:
                return super().commit()  # type: ignore[no-any-return]
            started = monotonic()
            try:
                return super().commit()  # type: ignore[no-any-return]
            finally:
                executed("COMMIT", None, _SYSTEM, started)

        @frames.marked("span:transaction")
        def rollback(self) -> None:
            if not self.in_transaction:
                return super().rollback()  # type: ignore[no-any-return]
            started = monotonic()
            try:
                return super().rollback()  # type: ignore[no-any-return]
            finally:
                executed("ROLLBACK", None, _SYSTEM, started)

    return _connections.setdefault(base, _like(base, Connection))


_NOTHING = (0, 0)


def _cursor_class(base: Any) -> Any:
    found = _cursors.get(base)
    if found is not None:
        return found
    if not isinstance(base, type):
        return base

    class Cursor(base):  # type: ignore[misc, valid-type]
        # What was executed last, and the rows and seconds of its single fetches so far.
        perfkit_last = _NOTHING
        perfkit_rows = 0
        perfkit_seconds = 0.0

        @frames.marked("span:sql")
        def execute(self, sql: Any, parameters: Any = (), /) -> Any:
            if self.perfkit_rows:
                _singles(self)
            started = monotonic()
            try:
                return super().execute(sql, parameters)
            finally:
                self.perfkit_last = executed(sql, parameters, _SYSTEM, started, self.rowcount)

        @frames.marked("span:sql")
        def executemany(self, sql: Any, parameters: Any, /) -> Any:
            started = monotonic()
            try:
                return super().executemany(sql, parameters)
            finally:
                self.perfkit_last = executed(sql, None, _SYSTEM, started, self.rowcount)

        @frames.marked("span:sql")
        def executescript(self, script: Any, /) -> Any:
            started = monotonic()
            try:
                return super().executescript(script)
            finally:
                executed(script, None, _SYSTEM, started)

        @frames.marked("span:fetch")
        def fetchall(self) -> Any:
            started = monotonic()
            rows = super().fetchall()
            fetched(self.perfkit_last, started, monotonic() - started, len(rows))
            return rows

        @frames.marked("span:fetch")
        def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
            started = monotonic()
            rows = super().fetchmany(*args, **kwargs)
            if rows:
                fetched(self.perfkit_last, started, monotonic() - started, len(rows))
            return rows

        @frames.marked("span:fetch")
        def fetchone(self) -> Any:
            started = monotonic()
            row = super().fetchone()
            self.perfkit_seconds += monotonic() - started
            if row is not None:
                self.perfkit_rows += 1
            return row

        @frames.marked("span:fetch")
        def __next__(self) -> Any:
            started = monotonic()
            row = super().__next__()
            self.perfkit_seconds += monotonic() - started
            self.perfkit_rows += 1
            return row

        def __del__(self) -> None:
            if self.perfkit_rows:
                _singles(self)

    return _cursors.setdefault(base, _like(base, Cursor))


def _singles(cursor: Any) -> None:
    """One span for all rows that were fetched one by one."""
    fetched(cursor.perfkit_last, monotonic() - cursor.perfkit_seconds, cursor.perfkit_seconds, cursor.perfkit_rows)
    cursor.perfkit_rows = 0
    cursor.perfkit_seconds = 0.0


def _like(base: Any, made: Any) -> Any:
    """What prints a class's name prints the application's."""
    made.__name__ = base.__name__
    made.__qualname__ = base.__qualname__
    made.__module__ = base.__module__
    made.__doc__ = base.__doc__
    return made
