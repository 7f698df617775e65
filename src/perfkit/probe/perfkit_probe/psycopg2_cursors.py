"""psycopg2: statements, COPY, and the rows fetched. Cursors are of a subclass of what the application asked for."""

from __future__ import annotations

from time import monotonic

from . import frames
from .c_classes import Classes, fetches
from .statements import MANY, executed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYSTEM = "postgresql"


def classes(base: Any) -> Classes:
    return Classes(base, _with_copy(base, _with_statements(base)))


def _with_statements(base: Any) -> Any:
    base_execute, base_executemany, base_callproc = base.execute, base.executemany, base.callproc
    rowcount, description, sent = base.rowcount.__get__, base.description.__get__, base.query.__get__

    def changed(cursor: Any) -> int:
        """Rows that a statement changed; of one that gives rows, -1: they count when they are fetched."""
        return rowcount(cursor) if description(cursor) is None else -1

    class cursor(base):  # type: ignore[misc]
        __slots__ = ()

        @frames.marked("span:sql")
        def execute(self: Any, query: Any, vars: Any = None) -> Any:
            rows = -1
            # What is composed of parts has its text only once it was sent.
            text = query if isinstance(query, (str, bytes)) else "(%s)" % type(query).__name__
            started = monotonic()
            try:
                result = base_execute(self, query, vars)
                rows = changed(self)
                if text is not query:
                    text = sent(self) or text
                return result
            finally:
                self.perfkit_last = executed(text, vars, SYSTEM, started, rows)

        @frames.marked("span:sql")
        def executemany(self: Any, query: Any, vars_list: Any) -> Any:
            rows = -1
            text = query if isinstance(query, (str, bytes)) else "(%s)" % type(query).__name__
            started = monotonic()
            try:
                result = base_executemany(self, query, vars_list)
                rows = changed(self)
                if text is not query:
                    text = sent(self) or text
                return result
            finally:
                self.perfkit_last = executed(text, MANY, SYSTEM, started, rows)

        @frames.marked("span:sql")
        def callproc(self: Any, procname: Any, *parameters: Any, **named: Any) -> Any:
            started = monotonic()
            try:
                return base_callproc(self, procname, *parameters, **named)
            finally:
                text = "SELECT * FROM %s()" % (procname if isinstance(procname, str) else "(procedure)")
                self.perfkit_last = executed(text, parameters, SYSTEM, started)

        fetchall, fetchmany, fetchone, __next__ = fetches(base)

    return cursor


def _with_copy(base: Any, above: Any) -> Any:
    base_expert, base_from, base_to, rowcount = base.copy_expert, base.copy_from, base.copy_to, base.rowcount.__get__

    class cursor(above):  # type: ignore[misc]
        __slots__ = ()

        @frames.marked("span:sql")
        def copy_expert(self: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
            started = monotonic()
            try:
                return base_expert(self, sql, *args, **kwargs)
            finally:
                text = sql if isinstance(sql, (str, bytes)) else "COPY"
                self.perfkit_last = executed(text, None, SYSTEM, started, rowcount(self))

        @frames.marked("span:sql")
        def copy_from(self: Any, file: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
            started = monotonic()
            try:
                return base_from(self, file, table, *args, **kwargs)
            finally:
                self.perfkit_last = executed("COPY %s FROM STDIN" % (table,), None, SYSTEM, started, rowcount(self))

        @frames.marked("span:sql")
        def copy_to(self: Any, file: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
            started = monotonic()
            try:
                return base_to(self, file, table, *args, **kwargs)
            finally:
                self.perfkit_last = executed("COPY %s TO STDOUT" % (table,), None, SYSTEM, started, rowcount(self))

    return cursor
