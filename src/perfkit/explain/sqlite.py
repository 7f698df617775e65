"""Explain room: statements come in, SQLite's plans go out. The file is opened read-only, and an authorizer refuses all but reading.

EXPLAIN QUERY PLAN runs nothing and needs no values. Functions and collations that the application has defined are stood in for.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from perfkit.errors import PerfkitError
from perfkit.explain import sqlite_catalog
from perfkit.explain.aliases import with_tables
from perfkit.explain.dsn import Dsn
from perfkit.explain.interface import ExplainOptions, Refusal, Seen, Statement, Table, around
from perfkit.explain.placeholders import NoHonestPlan, Prepared, question_marks
from perfkit.explain.safety import why_not_planned
from perfkit.explain.scanning import Unclear
from perfkit.explain.sqlite_plan import plan_of_rows
from perfkit.model.plan import Index, NotPlanned, Plan

_MAGIC = b"SQLite format 3\0"
_MISSING = re.compile(r"no such (?P<what>function|collation sequence): (?P<name>.+)")
_MOST_MISSING = 50
_NOT_RUN = "it was not run: SQLite has no way to measure the steps of a plan"
# Of the actions of sqlite3_set_authorizer those that EXPLAIN of any statement passes through, because they change nothing before it is run.
_ALLOWED = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
    }
)
_ASKED = frozenset({"index_list", "index_xinfo", "table_info", "query_only", "table_xinfo"})


class SQLite:
    """One file."""

    system = "sqlite"
    version = sqlite3.sqlite_version

    def __init__(self, dsn: Dsn, options: ExplainOptions) -> None:
        self.options = options
        path = Path(dsn.database)
        _check(path)
        # A write-ahead log without its file would be made anew; where there is none nobody has the database open.
        how = "mode=ro&immutable=1" if not path.with_name(f"{path.name}-wal").exists() and _has_wal(path) else "mode=ro"
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path.resolve()))}?{how}", uri=True, isolation_level=None, timeout=options.lock_timeout
            )
            self._connection.execute("PRAGMA query_only = 1")
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise PerfkitError(
                f"{path} cannot be read: {error}.", "name an SQLite database that nothing locks"
            ) from None
        self._connection.set_authorizer(_authorize)
        self._seen = Seen()

    def explain(self, statement: Statement, analyze: bool | None = None) -> Plan | NotPlanned:
        refusal = why_not_planned(statement.text, self.system)
        if refusal is None:
            try:
                prepared = question_marks(statement.text, self.system)
                return self._explain(statement, prepared, self.options.analyze if analyze is None else analyze)
            except (NoHonestPlan, Unclear) as reason:
                refusal = Refusal(str(reason), "keep the values: --keep-literals")
            except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
                refusal = Refusal(" ".join(str(error).split())[:500], "explain it on the database that it ran on")
            except PerfkitError as error:
                refusal = Refusal(error.message, error.hint)
        return NotPlanned(statement.fingerprint, statement.text, refusal.why, refusal.remedy)

    def indexes(self, table: str, schema: str | None = None) -> tuple[Index, ...]:
        return tuple(sqlite_catalog.indexes(self, table))

    def table(self, name: str, schema: str | None = None) -> Table | None:
        return sqlite_catalog.table(self, name)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return list(self._connection.execute(query, values))
        except (sqlite3.Error, ValueError):
            return []

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()

    def _explain(self, statement: Statement, prepared: Prepared, analyze: bool) -> Plan | NotPlanned:
        values = statement.parameters if len(statement.parameters) == len(prepared.names) else ()
        found = self._planned(f"EXPLAIN QUERY PLAN {prepared.text}", values or [None] * len(prepared.names))
        if not found:  # INSERT … VALUES reads nothing
            return NotPlanned(
                statement.fingerprint,
                statement.text,
                "it reads no table, so there is no plan",
                "nothing: no index would help it",
            )
        rows = [(int(number), int(parent), str(detail)) for number, parent, _, detail in found]
        plan = plan_of_rows(rows, "\n".join(f"{number}|{parent}|0|{detail}" for number, parent, detail in rows))
        plan = replace(
            plan,
            version=self.version,
            fingerprint=statement.fingerprint,
            text=statement.text,
            parameters="given" if values else "generic" if prepared.names else "literal",
            source="explain",
            remarks=(_NOT_RUN,) if analyze else (),
        )
        plan = with_tables(plan, statement.text, self.system)
        rows_by_table, indexes = around(self, plan, self._seen)
        return replace(plan, tables=rows_by_table, indexes=indexes)

    def _planned(self, text: str, values: Sequence[str | None]) -> list[tuple[Any, ...]]:
        for _ in range(_MOST_MISSING):
            try:
                return list(self._connection.execute(text, values))
            except sqlite3.OperationalError as error:
                missing = _MISSING.fullmatch(str(error))
                if missing is None:
                    raise
                self._stand_in(missing["what"], missing["name"])
        raise sqlite3.OperationalError(f"it calls more than {_MOST_MISSING} functions that only its application has")

    def _stand_in(self, what: str, name: str) -> None:
        """Never called: a plan is made, not run."""
        if what == "function":
            self._connection.create_function(name, -1, lambda *_: None)
        else:
            self._connection.create_collation(name, lambda one, other: (one > other) - (one < other))


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and second == "load_extension":
        return sqlite3.SQLITE_DENY
    allowed = action in _ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first in _ASKED)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise PerfkitError(
            f"{path} cannot be read: {error.strerror}.", "sqlite:///relative.db or sqlite:////absolute.db"
        ) from None
    if head != _MAGIC:
        raise PerfkitError(f"{path} is no SQLite database.", "sqlite:///path/to/file.db")


def _has_wal(path: Path) -> bool:
    """Bytes 18 and 19 of the header are 2 for a write-ahead log (fileformat2.html)."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"
