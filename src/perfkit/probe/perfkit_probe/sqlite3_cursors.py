"""sqlite3: statements, and the rows fetched. Cursors are of a subclass of what the application asked for."""

from __future__ import annotations

import sys
from _contextvars import ContextVar
from time import monotonic

from . import frames
from .c_classes import Classes, begin, singles
from .statements import MANY, NOTHING, executed, fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_Function: Any = type(lambda: None)  # types.FunctionType
SYSTEM = "sqlite"
MAY_WARN = (3, 12) <= sys.version_info < (3, 14)
# The call site, where another thread than this one decided on it.
on_behalf: ContextVar[int | None] = ContextVar("perfkit_site", default=None)
site_elsewhere = on_behalf.get


def in_the_name_of(caller: Any, function: Any) -> Any:
    """`function` behind a frame that a warning takes for the caller's."""

    def call(*args: Any, **kwargs: Any) -> Any: return function(*args, **kwargs)  # fmt: skip

    at = {"co_filename": caller.f_code.co_filename, "co_firstlineno": caller.f_lineno or 1}
    return _Function(call.__code__.replace(**at), caller.f_globals, "call", None, call.__closure__)


def warns(sql: Any, parameters: Any) -> bool:
    """Whether Python 3.12 and 3.13 may warn, of the line that calls, that a named placeholder has no name's value."""
    if type(parameters) not in (tuple, list) or not parameters or type(sql) is not str:
        return False
    return ":" in sql or "@" in sql or "$" in sql


def classes(base: Any) -> Classes:
    return Classes(base, _methods(base))


def _methods(base: Any) -> Any:
    base_execute, base_executemany, base_executescript = base.execute, base.executemany, base.executescript
    base_one, base_many, base_all, base_next = base.fetchone, base.fetchmany, base.fetchall, base.__next__
    base_close, rowcount = base.close, base.rowcount.__get__

    class Cursor(base):  # type: ignore[misc]
        __slots__ = ()

        @frames.marked("span:sql")
        def execute(self: Any, sql: Any, parameters: Any = (), /) -> Any:
            try:
                if self.perfkit_rows:
                    singles(self)
            except AttributeError:
                begin(self)
            rows = -1
            call = base_execute
            if MAY_WARN and warns(sql, parameters):
                call = in_the_name_of(sys._getframe(1), base_execute)
            started = monotonic()
            try:
                result = call(self, sql, parameters)
                rows = rowcount(self)
                return result
            finally:
                self.perfkit_last = executed(sql, parameters, SYSTEM, started, rows, site_elsewhere())

        @frames.marked("span:sql")
        def executemany(self: Any, sql: Any, parameters: Any, /) -> Any:
            try:
                if self.perfkit_rows:
                    singles(self)
            except AttributeError:
                begin(self)
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
            rows = base_many(self, args[0]) if len(args) == 1 and not kwargs else base_many(self, *args, **kwargs)
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
            if getattr(self, "perfkit_rows", 0):
                singles(self)
            return base_close(self)

    return Cursor
