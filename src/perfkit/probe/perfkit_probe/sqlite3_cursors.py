"""sqlite3: statements, and the rows fetched. Cursors are of a subclass of what the application asked for."""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic
from typing import Any, Dict, Optional, Tuple

from . import frames, spool
from .statements import MANY, NOTHING, executed, fetched

SYSTEM = "sqlite"
# The call site, where another thread than this one decided on it.
on_behalf: ContextVar[Optional[int]] = ContextVar("perfkit_site", default=None)
site_elsewhere = on_behalf.get
MOST_CLASSES = 1000


class Cursors:
    """The classes of cursors, one for each factory."""

    def __init__(self, base: Any) -> None:
        self._base = base
        self._ours = _methods(base)
        self._known: Dict[Any, Any] = {}

    def of(self, factory: Any) -> Any:
        """What cannot be extended stays as it is, and what is no factory is sqlite3's to refuse."""
        try:
            return self._known.get(factory) or self._made(factory)
        except Exception as error:
            spool.broken("a cursor factory of sqlite3", error)
            return factory

    def _made(self, factory: Any) -> Any:
        if not (isinstance(factory, type) and issubclass(factory, self._base)) or len(self._known) >= MOST_CLASSES:
            return factory
        made = leaf(factory, self._base, self._ours, ("perfkit_last", "perfkit_rows", "perfkit_seconds"))
        theirs = getattr(factory, "__del__", None)

        def __del__(self: Any) -> None:
            try:
                singles(self)
            except Exception as error:  # the interpreter is ending
                del error
            if theirs is not None:
                theirs(self)

        made.__del__ = __del__
        return self._known.setdefault(factory, made)


def leaf(factory: Any, base: Any, ours: Any, slots: Tuple[str, ...]) -> Any:
    """A class that prints as the factory, is a subclass of it, and has our methods just above sqlite3's own."""
    bases = (ours,) if factory is base else (factory, ours)
    texts = {"__module__": factory.__module__, "__qualname__": factory.__qualname__, "__doc__": factory.__doc__}
    made = type(factory)(factory.__name__, bases, {"__slots__": slots, **texts})
    if factory is base:
        made.__reduce_ex__ = _refuse  # sqlite3's own message names its module
    return made


def _refuse(self: Any, protocol: Any) -> Any:
    raise TypeError("cannot pickle 'sqlite3.%s' object" % type(self).__name__)


def begin(cursor: Any) -> None:
    """Nothing is counted yet."""
    cursor.perfkit_last = NOTHING
    cursor.perfkit_rows = 0
    cursor.perfkit_seconds = 0.0


def singles(cursor: Any) -> None:
    """One span for all rows that were fetched one by one."""
    try:
        rows, seconds = cursor.perfkit_rows, cursor.perfkit_seconds
    except AttributeError:  # the application made it of the class itself
        begin(cursor)
        return
    if rows:
        cursor.perfkit_rows = 0
        cursor.perfkit_seconds = 0.0
        fetched(cursor.perfkit_last, monotonic() - seconds, seconds, rows)


def _methods(base: Any) -> Any:
    base_execute, base_executemany, base_executescript = base.execute, base.executemany, base.executescript
    base_one, base_many, base_all, base_next = base.fetchone, base.fetchmany, base.fetchall, base.__next__
    base_close, rowcount = base.close, base.rowcount.__get__

    class Cursor(base):  # type: ignore[misc]
        __slots__ = ()

        @frames.marked("span:sql")
        def execute(self: Any, sql: Any, parameters: Any = (), /) -> Any:
            if getattr(self, "perfkit_rows", 1):
                singles(self)
            rows = -1
            started = monotonic()
            try:
                result = base_execute(self, sql, parameters)
                rows = rowcount(self)
                return result
            finally:
                self.perfkit_last = executed(sql, parameters, SYSTEM, started, rows, site_elsewhere())

        @frames.marked("span:sql")
        def executemany(self: Any, sql: Any, parameters: Any, /) -> Any:
            if getattr(self, "perfkit_rows", 1):
                singles(self)
            rows = -1
            started = monotonic()
            try:
                result = base_executemany(self, sql, parameters)
                rows = rowcount(self)
                return result
            finally:
                self.perfkit_last = executed(sql, MANY, SYSTEM, started, rows, site_elsewhere())

        @frames.marked("span:sql")
        def executescript(self, script: Any, /) -> Any:
            singles(self)
            started = monotonic()
            try:
                return base_executescript(self, script)
            finally:
                executed(script, None, SYSTEM, started, -1, site_elsewhere())

        @frames.marked("span:fetch")
        def fetchall(self) -> Any:
            started = monotonic()
            rows = base_all(self)
            if rows:
                fetched(getattr(self, "perfkit_last", NOTHING), started, monotonic() - started, len(rows))
            return rows

        @frames.marked("span:fetch")
        def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
            started = monotonic()
            rows = base_many(self, *args, **kwargs)
            if rows:
                fetched(getattr(self, "perfkit_last", NOTHING), started, monotonic() - started, len(rows))
            return rows

        @frames.marked("span:fetch")
        def fetchone(self) -> Any:
            started = monotonic()
            row = base_one(self)
            try:
                self.perfkit_seconds += monotonic() - started
                if row is not None:
                    self.perfkit_rows += 1
                elif self.perfkit_rows:
                    singles(self)
            except AttributeError:
                begin(self)
            return row

        @frames.marked("span:fetch")
        def __next__(self) -> Any:
            started = monotonic()
            try:
                row = base_next(self)
            except StopIteration:
                singles(self)
                raise
            try:
                self.perfkit_seconds += monotonic() - started
                self.perfkit_rows += 1
            except AttributeError:
                begin(self)
            return row

        def close(self) -> Any:
            singles(self)
            return base_close(self)

    return Cursor
