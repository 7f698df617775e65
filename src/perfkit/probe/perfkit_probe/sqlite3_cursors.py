"""sqlite3: statements, and the rows fetched. Cursors are of a subclass of what the application asked for."""

from __future__ import annotations

import sys
from time import monotonic

from . import frames
from .c_classes import Classes, fetches
from .statements import MANY, executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_Function: Any = type(lambda: None)  # types.FunctionType
SYSTEM = "sqlite"
MAY_WARN = (3, 12) <= sys.version_info < (3, 14)


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
    rowcount = base.rowcount.__get__

    class Cursor(base):  # type: ignore[misc]
        __slots__ = ()

        @frames.marked("span:sql")
        def execute(self: Any, sql: Any, parameters: Any = (), /) -> Any:
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
                self.perfkit_last = executed(sql, parameters, SYSTEM, started, rows)

        @frames.marked("span:sql")
        def executemany(self: Any, sql: Any, parameters: Any, /) -> Any:
            rows = -1
            started = monotonic()
            try:
                result = base_executemany(self, sql, parameters)
                rows = rowcount(self)
                return result
            finally:
                self.perfkit_last = executed(sql, MANY, SYSTEM, started, rows)

        @frames.marked("span:sql")
        def executescript(self, script: Any, /) -> Any:
            started = monotonic()
            try:
                return base_executescript(self, script)
            finally:
                executed(script, None, SYSTEM, started)

        fetchall, fetchmany, fetchone, __next__ = fetches(base)

    return Cursor
