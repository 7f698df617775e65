"""psycopg2: statements, COPY, and the rows fetched. Cursors are of a subclass of what the application asked for."""

from __future__ import annotations

from time import monotonic

from . import frames
from .c_classes import Classes, begin, singles
from .statements import MANY, NOTHING, executed, fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYSTEM = "postgresql"


def classes(base: Any) -> Classes:
    return Classes(base, _with_copy(base, _with_rows(base, _with_statements(base))))


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
            singles(self)
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
            singles(self)
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
            singles(self)
            started = monotonic()
            try:
                return base_callproc(self, procname, *parameters, **named)
            finally:
                text = "SELECT * FROM %s()" % (procname if isinstance(procname, str) else "(procedure)")
                self.perfkit_last = executed(text, parameters, SYSTEM, started)

    return cursor


def _with_rows(base: Any, above: Any) -> Any:
    base_one, base_many, base_all, base_next = base.fetchone, base.fetchmany, base.fetchall, base.__next__
    base_close = base.close

    class cursor(above):  # type: ignore[misc]
        __slots__ = ()

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
