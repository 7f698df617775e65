"""psycopg2: connections and transactions. Connections are of a subclass of what the application asked for."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, psycopg2_cursors, spool
from .c_classes import MOST_CLASSES, Classes, leaf
from .dbapi import place, says_what_is_open
from .requests import CONNECT, name, span
from .statements import executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYSTEM = "postgresql"
_READY = 1  # as extensions.STATUS_READY: no transaction is open


def apply(module: Any) -> None:
    # What `connect` calls: programs may have taken that one before.
    if not hooks.replaced(module, "_connect", _connect_of(module.extensions)):
        spool.gap("SQL through psycopg2", "this version is not known", "use psycopg2 2.8 or 2.9")
    elif hooks.late:
        says_what_is_open("psycopg2")


def _connect_of(extensions: Any) -> Any:
    base = extensions.connection
    ours = _methods(base, psycopg2_cursors.classes(extensions.cursor), extensions.cursor)
    known: dict[Any, Any] = {}

    def factory_for(given: Any) -> Any:
        asked = base if given is None else given
        try:
            found = known.get(asked)
            if found is not None or len(known) >= MOST_CLASSES:
                return found or given
            if isinstance(asked, type) and issubclass(asked, base):
                return known.setdefault(asked, leaf(asked, base, ours, ()))
            if callable(asked):
                known[asked] = asked
                why = "a connection factory that is a function cannot be extended"
                spool.gap("SQL of some psycopg2 connections", why, "give psycopg2.connect a class as factory")
        except Exception as error:
            spool.broken("a connection factory of psycopg2", error)
        return given

    def make(original: Any) -> Any:
        @frames.marked("span:connect")
        def _connect(dsn: Any, connection_factory: Any = None, **kwargs: Any) -> Any:
            if spool.closed:
                return original(dsn, connection_factory=connection_factory, **kwargs)
            factory = factory_for(connection_factory)
            connection: Any = None
            started = monotonic()
            try:
                connection = original(dsn, connection_factory=factory, **kwargs)
                return connection
            finally:
                seconds = monotonic() - started
                try:
                    span(CONNECT, name(_address(connection), SYSTEM), started, seconds)
                except Exception as error:
                    spool.broken("connections of psycopg2", error)

        return _connect

    return make


def _address(connection: Any) -> str:
    """Never its whole text, which may hold a password. None: it was refused."""
    if connection is None:
        return SYSTEM
    try:
        info = connection.info
        return "%s %s" % (SYSTEM, place(info.host, info.port, info.dbname))
    except Exception:  # an asynchronous one is not there yet
        return SYSTEM


def _methods(base: Any, cursors: Classes, plain_cursor: Any) -> Any:
    base_cursor, base_commit, base_rollback = base.cursor, base.commit, base.rollback
    status, cursor_factory = base.status.__get__, base.cursor_factory.__get__

    def at_rest(connection: Any) -> bool:
        try:
            return bool(status(connection) == _READY)
        except Exception:
            return True

    class connection(base):  # type: ignore[misc]
        __slots__ = ()

        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            asked = args[1] if len(args) > 1 else kwargs.get("cursor_factory")
            if asked is None:
                asked = cursor_factory(self) or plain_cursor
            made = cursors.of(asked)
            if len(args) > 1:
                args = (args[0], made, *args[2:])
            else:
                kwargs["cursor_factory"] = made
            return base_cursor(self, *args, **kwargs)

        @frames.marked("span:transaction")
        def commit(self) -> None:
            if at_rest(self):
                return base_commit(self)  # type: ignore[no-any-return]
            started = monotonic()
            try:
                return base_commit(self)  # type: ignore[no-any-return]
            finally:
                executed("COMMIT", None, SYSTEM, started)

        @frames.marked("span:transaction")
        def rollback(self) -> None:
            if at_rest(self):
                return base_rollback(self)  # type: ignore[no-any-return]
            started = monotonic()
            try:
                return base_rollback(self)  # type: ignore[no-any-return]
            finally:
                executed("ROLLBACK", None, SYSTEM, started)

    return connection
