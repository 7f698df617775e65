"""Explain room: statements come in, PostgreSQL's plans go out.

Each statement has a transaction of its own: READ ONLY, with timeouts, always rolled back; and goes to the server by the extended
protocol, which takes one statement and no more. What READ ONLY does not hold (programs, files, other connections) needs
rights that `postgres_safety` looks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

from perfkit.errors import PerfkitError
from perfkit.explain import postgres_catalog, postgres_safety
from perfkit.explain.drivers import driver
from perfkit.explain.dsn import Dsn
from perfkit.explain.interface import NO_TEXT, ExplainOptions, Refusal, Seen, ServerGone, Statement, Table, around
from perfkit.explain.placeholders import NoHonestPlan, Prepared, numbered
from perfkit.explain.postgres_errors import connection_error, one_line, refused
from perfkit.explain.postgres_json import read_json
from perfkit.explain.safety import why_not_planned, why_not_run
from perfkit.explain.scanning import Unclear
from perfkit.explain.watchdog import GRACE, Watchdog
from perfkit.model.plan import Index, NotPlanned, Parameters, Plan

_GENERIC = 160_000  # the first version with EXPLAIN (GENERIC_PLAN)
_OLDEST = 120_000  # the first one with SETTINGS and plan_cache_mode
_NAME = b"perfkit_explain"


class Postgres:
    """One connection to PostgreSQL 12 or later."""

    system = "postgresql"

    def __init__(self, dsn: Dsn, options: ExplainOptions) -> None:
        self.options = options
        self._psycopg = driver("psycopg", "psycopg[binary]>=3.2", "postgres")
        settings: dict[str, Any] = {"application_name": "perfkit", "client_encoding": "utf8"}
        try:
            given = self._read(dsn)
            if "connect_timeout" not in given:
                settings["connect_timeout"] = max(2, round(options.connect_timeout))
            self._connection = self._psycopg.connect(dsn.conninfo, autocommit=False, prepare_threshold=None, **settings)
            self._watchdog = Watchdog(self._connection.fileno(), options.statement_timeout + GRACE)
            self._connection.read_only = True
            self._number = int(self._connection.info.server_version)
            self.version = str(self._connection.info.parameter_status("server_version") or self._number)
            self._role = self._query(postgres_safety.ROLE)[0]
        except (self._psycopg.Error, ValueError, OSError) as error:  # the latter for hosts that cannot be a name
            raise connection_error(error, dsn) from None
        if self._number < _OLDEST:
            self.close()
            raise PerfkitError(f"the server is PostgreSQL {self.version}.", "perfkit explains on 12 and later")
        self._seen = Seen()

    def _read(self, dsn: Dsn) -> dict[str, Any]:
        try:
            return dict(self._psycopg.conninfo.conninfo_to_dict(dsn.conninfo))
        except (self._psycopg.Error, ValueError):
            raise PerfkitError("libpq cannot read the DSN.", "postgresql://user@host:5432/database") from None

    def explain(self, statement: Statement, analyze: bool | None = None) -> Plan | NotPlanned:
        refusal = why_not_planned(statement.text, self.system)
        if refusal is None:
            try:
                prepared = numbered(statement.text)
                return self._explain(statement, prepared, self.options.analyze if analyze is None else analyze)
            except (NoHonestPlan, Unclear) as reason:
                refusal = Refusal(str(reason), "keep the values: --keep-literals")
            except self._psycopg.Error as error:
                self._still_there(error)
                refusal = refused(error)
            except PerfkitError as error:
                refusal = Refusal(error.message, error.hint)
            except UnicodeError:
                refusal = NO_TEXT
        return NotPlanned(statement.fingerprint, statement.text, refusal.why, refusal.remedy)

    def indexes(self, table: str, schema: str | None = None) -> tuple[Index, ...]:
        rows = self.rows(postgres_catalog.INDEXES, (table, schema, schema))
        return tuple(Index(name, of, tuple(columns), *rest) for name, of, columns, *rest in rows)

    def table(self, name: str, schema: str | None = None) -> Table | None:
        tables = self.rows(postgres_catalog.TABLES, (name, schema, schema))
        if not tables:
            return None
        return postgres_catalog.table(tables[0], self.rows(postgres_catalog.COLUMNS, (tables[0][0],)))

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._query(query, values)
        except self._psycopg.Error as error:
            self._still_there(error)
            return []

    def close(self) -> None:
        with suppress(self._psycopg.Error):
            self._connection.close()
        self._watchdog.close()

    def _explain(self, statement: Statement, prepared: Prepared, analyze: bool) -> Plan | NotPlanned:
        values = statement.parameters
        if values and len(values) != len(prepared.names):
            values = ()
        known = bool(values) or not prepared.names
        if (unsafe := self._why_not_even_planned(prepared.text)) is not None:
            return NotPlanned(statement.fingerprint, statement.text, unsafe.why, unsafe.remedy)
        with self._transaction():
            remarks: tuple[str, ...] = ()
            if analyze:
                refusal = self._why_not_run(statement, prepared.text, known)
                remarks = (f"it was not run: {refusal.why} ({refusal.remedy})",) if refusal else ()
                analyze = refusal is None
            raw = self._planned(prepared.text, values, analyze) if known else self._generic(prepared)
        parameters: Parameters = "given" if values else "generic" if prepared.names else "literal"
        return self._plan(statement, raw, parameters, analyze, remarks)

    def _plan(
        self, statement: Statement, raw: str, parameters: Parameters, analyze: bool, remarks: tuple[str, ...]
    ) -> Plan:
        read = read_json(raw)
        plan = replace(
            read,
            version=self.version,
            fingerprint=statement.fingerprint,
            text=statement.text,
            parameters=parameters,
            analyzed=analyze,
            source="explain",
            remarks=(*remarks, *read.remarks),
        )
        rows, indexes = around(self, plan, self._seen)
        return replace(plan, tables=rows, indexes=indexes)

    def _planned(self, text: str, values: Sequence[str | None], analyze: bool) -> str:
        """Values are planned as constants whose types the server infers; a parameter that is no constant would be guessed."""
        options = "ANALYZE, BUFFERS, TIMING, " if analyze else ""
        return self._one(f"EXPLAIN ({options}FORMAT JSON, VERBOSE, SETTINGS, SUMMARY) {text}", values)

    def _generic(self, prepared: Prepared) -> str:
        """A plan for no values in particular. Before 16 it is that of a prepared statement whose plan is forced to be generic: the NULLs that
        EXECUTE must be given are never looked at."""
        if self._number >= _GENERIC:
            return self._without_values(
                f"EXPLAIN (GENERIC_PLAN, FORMAT JSON, VERBOSE, SETTINGS, SUMMARY) {prepared.text}"
            )
        self._parse(_NAME, prepared.text)
        try:
            with self._watchdog.watching(), self._connection.cursor() as cursor:
                cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                nulls = ", ".join(["NULL"] * len(prepared.names))
                return self._one(
                    f"EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS, SUMMARY) EXECUTE {_NAME.decode()} ({nulls})"
                )
        finally:
            with self._watchdog.watching(), self._connection.cursor() as cursor:
                self._connection.rollback()  # names of prepared statements outlive transactions, but not DEALLOCATE
                cursor.execute(f"DEALLOCATE {_NAME.decode()}")

    def _why_not_even_planned(self, text: str) -> Refusal | None:
        """Functions that claim to be immutable may be run by the planner. READ ONLY holds what they do, but for a role that may
        start programs or write files, and for code that opens connections of its own."""
        escape = postgres_safety.way_out(self._role)
        if self.options.i_know or escape is None:
            return None
        names = postgres_safety.names_in(text)
        run = self._query(postgres_safety.RUN_BY_PLANNER, {"names": names})
        return postgres_safety.planner_refusal(run, escape) if run else None

    def _why_not_run(self, statement: Statement, text: str, known: bool) -> Refusal | None:
        refusal = why_not_run(statement.text, self.system)
        if refusal is None and not self.options.i_know:
            refusal = postgres_safety.powers(self._role)
        if refusal is None and not known:
            refusal = Refusal("its values are not known", "keep the values: --keep-literals")
        if refusal is not None:
            return refusal
        trees = self._trees(text)
        shown = postgres_safety.shown_by(trees)
        if isinstance(shown, Refusal):
            return shown
        functions = self._query(postgres_safety.FUNCTIONS, shown.values())
        relations = self._query(postgres_safety.RELATIONS, (shown.relations,))
        return postgres_safety.run_refusal(functions, relations)

    def _trees(self, text: str) -> list[str]:
        """The statement as the server understands it, with its views and policies, unplanned: PostgreSQL sends what it was asked
        to print for debugging as a notice. Its own log gets the same lines."""
        trees: list[str] = []

        def keep(diagnostic: Any) -> None:
            if diagnostic.message_primary and "rewritten parse tree" in diagnostic.message_primary:
                trees.append(str(diagnostic.message_detail or ""))

        self._connection.add_notice_handler(keep)
        try:
            with self._watchdog.watching(), self._connection.cursor() as cursor:
                cursor.execute("SAVEPOINT trees")
                cursor.execute("SET LOCAL client_min_messages = log")
                cursor.execute("SET LOCAL debug_pretty_print = off")
                cursor.execute("SET LOCAL debug_print_rewritten = on")
                trees.clear()
                self._parse(b"", text)
                found = [" ".join(tree.split()) for tree in trees]
                cursor.execute("ROLLBACK TO SAVEPOINT trees")
        finally:
            self._connection.remove_notice_handler(keep)
        return found

    def _parse(self, name: bytes, text: str) -> None:
        """Understood by the server, neither planned nor run."""
        with self._watchdog.watching():
            result = self._connection.pgconn.prepare(name, text.encode())
        if result.status != self._psycopg.pq.ExecStatus.COMMAND_OK:
            raise self._psycopg.errors.error_from_result(result, "utf-8")

    def _one(self, text: str, values: Sequence[str | None] = ()) -> str:
        with self._watchdog.watching(), self._psycopg.RawCursor(self._connection) as cursor:
            cursor.execute(text, values, binary=True)
            return cast(bytes, cursor.pgresult.get_value(0, 0)).decode()

    def _without_values(self, text: str) -> str:
        """By the simple protocol, because the extended one wants a value for each $1; which has parsed it before, so that it is
        one statement."""
        self._parse(b"", text)
        with self._watchdog.watching(), self._psycopg.RawCursor(self._connection) as cursor:
            cursor.execute(text, prepare=False)
            return cast(bytes, cursor.pgresult.get_value(0, 0)).decode()

    def _query(self, query: str, values: Any = ()) -> list[tuple[Any, ...]]:
        inside = self._connection.info.transaction_status != self._psycopg.pq.TransactionStatus.IDLE
        with self._watchdog.watching(), self._connection.cursor() as cursor:
            if not inside:
                self._limit(cursor)
                cursor.execute("SET LOCAL jit = off")  # compiling takes longer than any query of ours
            try:
                return cast(list[tuple[Any, ...]], cursor.execute(query, values or None).fetchall())
            finally:
                if not inside:
                    self._connection.rollback()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._watchdog.watching(), self._connection.cursor() as cursor:
            self._limit(cursor)
        try:
            yield
        finally:
            with (
                suppress(self._psycopg.OperationalError),
                self._watchdog.watching(),
                self._connection.cursor() as cursor,
            ):
                self._connection.rollback()
                cursor.execute("SELECT pg_advisory_unlock_all()")  # a function that the planner ran may have taken some
                self._connection.rollback()

    def _limit(self, cursor: Any) -> None:
        cursor.execute(f"SET LOCAL statement_timeout = {max(1, round(self.options.statement_timeout * 1000))}")
        cursor.execute(f"SET LOCAL lock_timeout = {max(1, round(self.options.lock_timeout * 1000))}")

    def _still_there(self, error: Exception) -> None:
        if self._connection.closed or self._connection.broken:
            raise ServerGone(self._watchdog.said if self._watchdog.has_cut else one_line(error)) from None
