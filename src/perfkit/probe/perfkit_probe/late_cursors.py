"""SQLAlchemy and Django over connections of sqlite3 and psycopg2 that were open before the probe came: those are written in C and
cannot be changed, but both libraries execute every statement in one place. Their rows are not seen."""

from __future__ import annotations

import sys
from time import monotonic

from . import frames, hooks
from .dbapi import changed
from .statements import MANY, executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DRIVERS = (("sqlite3", "Cursor", "sqlite"), ("psycopg2.extensions", "cursor", "postgresql"))


def apply(module: Any) -> None:
    if not hooks.late:
        return
    if module.__name__ == "sqlalchemy.engine.default":
        dialect = module.DefaultDialect
        hooks.replaced(dialect, "do_execute", _dialect(False))
        hooks.replaced(dialect, "do_execute_no_params", _dialect(False))
        hooks.replaced(dialect, "do_executemany", _dialect(True))
    else:
        hooks.replaced(module.CursorWrapper, "_execute", _wrapper(False))
        hooks.replaced(module.CursorWrapper, "_executemany", _wrapper(True))


def _system(cursor: Any) -> str:
    """Of a cursor that nothing else times; else nothing."""
    kind = type(cursor)
    if hasattr(kind, "perfkit_last"):
        return ""
    for module, name, system in _DRIVERS:
        driver = sys.modules.get(module)
        if driver is not None and issubclass(kind, getattr(driver, name)):
            return system
    return ""


def _dialect(many: bool) -> Any:
    def make(original: Any) -> Any:
        def do_execute(self: Any, cursor: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
            system = _system(cursor)
            if not system:
                return original(self, cursor, statement, *args, **kwargs)
            values = MANY if many else args[0] if args else kwargs.get("parameters")
            return _timed(original, (self, cursor, statement, *args), kwargs, cursor, statement, values, system)

        return do_execute

    return make


def _wrapper(many: bool) -> Any:
    def make(original: Any) -> Any:
        def _execute(self: Any, sql: Any, params: Any, *context: Any) -> Any:
            cursor = self.cursor
            system = _system(cursor)
            if not system:
                return original(self, sql, params, *context)
            return _timed(original, (self, sql, params, *context), {}, cursor, sql, MANY if many else params, system)

        return _execute

    return make


@frames.marked("span:sql")
def _timed(original: Any, args: Any, kwargs: Any, cursor: Any, sql: Any, values: Any, system: str) -> Any:
    started = monotonic()
    try:
        return original(*args, **kwargs)
    finally:
        executed(sql, values, system, started, changed(cursor))
