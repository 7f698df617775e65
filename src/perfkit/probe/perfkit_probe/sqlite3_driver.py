"""sqlite3: connections and transactions. Connections are of a subclass of what the application asked for.

The methods stand in a class between the application's own, if it has one, and sqlite3's: an override of theirs that calls
super() comes here, and what sqlite3 itself calls without looking for an override is overridden here too.
"""

from __future__ import annotations

import sys
from time import monotonic

from . import frames, hooks, spool
from .c_classes import MOST_CLASSES, Classes, leaf
from .dbapi import says_what_is_open
from .requests import CONNECT, name, span
from .sqlite3_cursors import MAY_WARN, SYSTEM, classes, in_the_name_of, warns
from .statements import MANY, executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FACTORY = 5  # the argument's place


def apply(module: Any) -> None:
    if module.__name__ == "sqlite3.dbapi2":
        _keep_warnings_where_they_were(module)
    if not hooks.replaced(module, "connect", _connect_of(module)):
        spool.gap("SQL through sqlite3", "this version is not known", "use CPython 3.9 to 3.14")
    elif hooks.late and module.__name__ == "sqlite3":
        says_what_is_open("sqlite3")


def _connect_of(module: Any) -> Any:
    def make(original: Any) -> Any:
        connections = _Connections(module)

        @frames.marked("span:connect")
        def connect(*args: Any, **kwargs: Any) -> Any:
            if spool.closed:
                return original(*args, **kwargs)
            args, kwargs = connections.with_factory(args, kwargs)
            call = original
            if len(args) > 1 and sys.version_info >= (3, 13):  # it warns, and must warn of the application's own line
                call = in_the_name_of(sys._getframe(1), original)
            started = monotonic()
            try:
                return call(*args, **kwargs)
            finally:
                seconds = monotonic() - started
                try:
                    span(CONNECT, name("sqlite3", SYSTEM), started, seconds)
                except Exception as error:
                    spool.broken("sqlite3 connections", error)

        return connect

    return make


def _keep_warnings_where_they_were(module: Any) -> None:
    """Python 3.12's default adapters warn two frames above themselves: ours do not count."""
    if sys.version_info < (3, 12):
        return
    from warnings import warn

    def above(message: str, category: Any, stacklevel: int) -> None:
        caller = sys._getframe(stacklevel)
        while caller.f_code.co_filename == frames.FILE and caller.f_back is not None:
            caller, stacklevel = caller.f_back, stacklevel + 1
        warn(message, category, stacklevel + 1)

    for adapter in list(module.adapters.values()):
        code = getattr(adapter, "__code__", None)
        if code is not None and "warn" in code.co_freevars:
            cell = adapter.__closure__[code.co_freevars.index("warn")]
            if cell.cell_contents is warn:
                cell.cell_contents = above
                hooks.undo_by(_putting(cell, warn))


def _putting(cell: Any, content: Any) -> Any:
    def step() -> None:
        cell.cell_contents = content

    return step


class _Connections:
    """The classes of connections, one for each factory."""

    def __init__(self, module: Any) -> None:
        self._base = module.Connection
        self._ours = _methods(module, classes(module.Cursor))
        self._known: dict[Any, Any] = {}

    def with_factory(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same arguments with a factory of ours, made of the application's own where it gives one."""
        base = args[_FACTORY] if len(args) > _FACTORY else kwargs.get("factory", self._base)
        try:
            made = self._known.get(base) or self._made(base)
        except Exception as error:
            spool.broken("a connection factory of sqlite3", error)
            return args, kwargs
        if made is base:
            return args, kwargs
        if len(args) > _FACTORY:
            return (*args[:_FACTORY], made, *args[_FACTORY + 1 :]), kwargs
        return args, dict(kwargs, factory=made)

    def _made(self, base: Any) -> Any:
        if len(self._known) >= MOST_CLASSES:
            return base
        if isinstance(base, type) and issubclass(base, self._base):
            return self._known.setdefault(base, leaf(base, self._base, self._ours, ()))
        if callable(base):
            why = "a connection factory that is a function cannot be extended"
            spool.gap("SQL of some sqlite3 connections", why, "give sqlite3.connect a class as factory")
            self._known[base] = base
        return base


def _methods(module: Any, cursors: Classes) -> Any:
    base = module.Connection
    base_cursor, base_commit, base_rollback, base_exit = base.cursor, base.commit, base.rollback, base.__exit__
    plain = cursors.of(module.Cursor)
    known = cursors.known
    in_transaction = base.in_transaction.__get__
    autocommit = base.autocommit.__get__ if hasattr(base, "autocommit") else None

    def ends(connection: Any) -> bool:
        """Whether a commit or a rollback now would send anything."""
        try:
            return bool(in_transaction(connection)) and not (autocommit and autocommit(connection) is True)
        except Exception:  # it is closed: what is called next says so
            return False

    class Connection(base):  # type: ignore[misc, valid-type]
        __slots__ = ()

        def cursor(self, factory: Any = plain) -> Any:
            if factory is plain:
                return base_cursor(self, plain)
            try:
                made = known(factory) or cursors.of(factory)
            except TypeError:  # it cannot be hashed
                made = factory
            return base_cursor(self, made)

        @frames.marked("span:transaction")
        def commit(self) -> None:
            if not ends(self):
                return base_commit(self)  # type: ignore[no-any-return]
            started = monotonic()
            try:
                return base_commit(self)  # type: ignore[no-any-return]
            finally:
                executed("COMMIT", None, SYSTEM, started)

        @frames.marked("span:transaction")
        def rollback(self) -> None:
            if not ends(self):
                return base_rollback(self)  # type: ignore[no-any-return]
            started = monotonic()
            try:
                return base_rollback(self)  # type: ignore[no-any-return]
            finally:
                executed("ROLLBACK", None, SYSTEM, started)

        @frames.marked("span:transaction")
        def __exit__(self, kind: Any, value: Any, trace: Any, /) -> Any:
            if not ends(self):
                return base_exit(self, kind, value, trace)
            started = monotonic()
            try:
                return base_exit(self, kind, value, trace)
            finally:
                executed("COMMIT" if kind is None else "ROLLBACK", None, SYSTEM, started)

    if sys.version_info >= (3, 11):  # before, sqlite3 asks the connection for a cursor, and that one to execute
        _execute_at_once(Connection, module, plain)
    return Connection


def _execute_at_once(connection_class: Any, module: Any, plain: Any) -> None:
    """`connection.execute` and its like: on a cursor that the application's overrides do not see, as sqlite3 does it."""
    base_cursor = module.Connection.cursor
    base_execute, base_executemany = module.Cursor.execute, module.Cursor.executemany
    base_executescript, rowcount = module.Cursor.executescript, module.Cursor.rowcount.__get__

    @frames.marked("span:sql")
    def execute(self: Any, sql: Any, parameters: Any = (), /) -> Any:
        cursor = base_cursor(self, plain)
        rows = -1
        call = base_execute
        if MAY_WARN and warns(sql, parameters):
            call = in_the_name_of(sys._getframe(1), base_execute)
        started = monotonic()
        try:
            call(cursor, sql, parameters)
            rows = rowcount(cursor)
            return cursor
        finally:
            cursor.perfkit_last = executed(sql, parameters, SYSTEM, started, rows)

    @frames.marked("span:sql")
    def executemany(self: Any, sql: Any, parameters: Any, /) -> Any:
        cursor = base_cursor(self, plain)
        rows = -1
        started = monotonic()
        try:
            base_executemany(cursor, sql, parameters)
            rows = rowcount(cursor)
            return cursor
        finally:
            cursor.perfkit_last = executed(sql, MANY, SYSTEM, started, rows)

    @frames.marked("span:sql")
    def executescript(self: Any, script: Any, /) -> Any:
        cursor = base_cursor(self, plain)
        started = monotonic()
        try:
            return base_executescript(cursor, script)
        finally:
            executed(script, None, SYSTEM, started)

    for method in (execute, executemany, executescript):
        method.__doc__ = getattr(module.Connection, method.__name__).__doc__
        setattr(connection_class, method.__name__, method)
