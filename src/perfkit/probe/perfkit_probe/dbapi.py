"""Cursors that are Python classes, as the DB-API describes them: their methods, timed where they stand.

`watch` is what a driver's file calls with a class; all classes of a driver share what `begin` puts on their base.
"""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .requests import CONNECT, name, span
from .statements import MANY, NOTHING, executed, fetched, single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_MOST = 1 << 62  # an unbuffered cursor says 2**64 - 1 for rows that it has not counted
# The connections that log in just now: what they send is a part of that.
connecting: list[int] = []


def begin(base: Any) -> None:
    """What the methods below keep on each cursor: the last statement, and whether one of them is at work."""
    base.perfkit_last = NOTHING
    base.perfkit_inside = False


def watch(owner: Any, system: str) -> bool:
    """Each method that this class has itself. False: it executes nothing, which the driver's file may have expected."""
    for attribute, make in (
        ("executemany", _executemany(system)),
        ("callproc", _callproc(system)),
        ("fetchone", _fetchone),
        ("fetchmany", _fetch),
        ("fetchall", _fetch),
    ):
        hooks.replaced(owner, attribute, make)
    return hooks.replaced(owner, "execute", _execute(system))


def _execute(system: str) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        @frames.marked("span:sql")
        def execute(self: Any, query: Any, args: Any = None) -> Any:
            if self.perfkit_inside or (connecting and id(self.connection) in connecting):
                return original(self, query, args)
            started = monotonic()
            try:
                return original(self, query, args)
            finally:
                self.perfkit_last = executed(query, args, system, started, changed(self))

        return execute

    return make


def _executemany(system: str) -> Callable[[Any], Any]:
    """One statement, though the driver may send several."""

    def make(original: Any) -> Any:
        @frames.marked("span:sql")
        def executemany(self: Any, query: Any, args: Any) -> Any:
            if self.perfkit_inside or (type(args) in (list, tuple) and not args):
                return original(self, query, args)
            self.perfkit_inside = True
            started = monotonic()
            try:
                return original(self, query, args)
            finally:
                self.perfkit_inside = False
                self.perfkit_last = executed(query, MANY, system, started, changed(self))

        return executemany

    return make


def _callproc(system: str) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        @frames.marked("span:sql")
        def callproc(self: Any, procname: Any, args: Any = ()) -> Any:
            started = monotonic()
            try:
                return original(self, procname, args)
            finally:
                self.perfkit_last = executed("CALL %s" % (procname,), args, system, started)

        return callproc

    return make


def changed(cursor: Any) -> int:
    """Rows that a statement changed; of one that gives rows, -1: they count when they are fetched."""
    rows = cursor.rowcount
    return rows if cursor.description is None and type(rows) is int and -1 <= rows < _MOST else -1


def _fetch(original: Any) -> Any:
    @frames.marked("span:fetch")
    def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.perfkit_inside:
            return original(self, *args, **kwargs)
        self.perfkit_inside = True
        started = monotonic()
        try:
            rows = original(self, *args, **kwargs)
        finally:
            self.perfkit_inside = False
        if rows:
            fetched(self.perfkit_last, started, monotonic() - started, len(rows))
        return rows

    return fetch


def _fetchone(original: Any) -> Any:
    @frames.marked("span:fetch")
    def fetchone(self: Any) -> Any:
        if self.perfkit_inside:
            return original(self)
        started = monotonic()
        row = original(self)
        single(self.perfkit_last, started, row is not None)
        return row

    return fetchone


def sends(sql: str, system: str) -> Callable[[Any], Any]:
    """A connection's method that sends `sql`: commit, rollback, begin."""

    def make(original: Any) -> Any:
        @frames.marked("span:transaction")
        def send(self: Any) -> Any:
            if connecting and id(self) in connecting:
                return original(self)
            started = monotonic()
            try:
                return original(self)
            finally:
                executed(sql, None, system, started)

        return send

    return make


def logs_in(system: str, address: Callable[..., str]) -> Callable[[Any], Any]:
    """A connection's method that connects and logs in; `address(connection, *arguments)` is where to."""

    def make(original: Any) -> Any:
        @frames.marked("span:connect")
        def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
            if spool.closed:
                return original(self, *args, **kwargs)
            me = id(self)
            connecting.append(me)
            started = monotonic()
            try:
                return original(self, *args, **kwargs)
            finally:
                seconds = monotonic() - started
                connecting.remove(me)
                try:
                    span(CONNECT, name("%s %s" % (system, address(self, *args, **kwargs))), started, seconds)
                except Exception as error:
                    spool.broken("connections to %s" % system, error)

        return connect

    return make


def place(host: Any, port: Any, database: Any, socket: Any = None) -> str:
    """`host:port/database`, or the socket's path in the place of host and port."""
    texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in (host, database, socket)]
    host, database, socket = texts
    where = socket or "%s:%s" % (host or "localhost", port)
    return "%s/%s" % (where, database) if database else "%s" % where


def says_what_is_open(driver: str) -> None:
    """Where the probe came late: connections written in C cannot be changed any more."""
    spool.gap(
        "SQL of connections of %s that were open before perfkit came, but for SQLAlchemy's and Django's" % driver,
        "they are written in C: only those that are opened from then on are seen",
        "launch it with `perfkit run`, or let it connect anew",
    )
