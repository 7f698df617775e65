"""Explain room: statements come in, the plans of MySQL and MariaDB go out.

The transaction is READ ONLY, and rolled back. EXPLAIN of a statement that writes or locks is refused in such a one, so that it gets an
ordinary one, rolled back as well; `mysql_safety` has looked before that nothing in it could be run by the planner.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

from perfkit.errors import PerfkitError
from perfkit.explain import connecting, mysql_catalog, mysql_json, mysql_safety, mysql_tree, mysql_typical
from perfkit.explain.aliases import with_tables
from perfkit.explain.drivers import driver
from perfkit.explain.dsn import Dsn
from perfkit.explain.interface import NO_TEXT, ExplainOptions, Refusal, Seen, ServerGone, Statement, Table, around
from perfkit.explain.placeholders import NoHonestPlan, Prepared, filled, question_marks
from perfkit.explain.redaction import redacted
from perfkit.explain.safety import why_not_planned, why_not_run
from perfkit.explain.scanning import Unclear
from perfkit.explain.watchdog import GRACE, Watchdog
from perfkit.model.plan import Index, NotPlanned, Plan
from perfkit.shared import redact

_READ_ONLY = 1792
_GONE = frozenset({0, 2006, 2013, 2014, 4031})
_NO_LOGIN = {
    1044: "this user may not use the database",
    1045: "it does not take this user with this password",
    1049: "it has no such database",
}
_MOST_VIEWS = 20  # one in another
_REMEDIES = {
    1045: "check user and password in --dsn (MYSQL_PWD works)",
    1044: "use a role that may see that database",
    1049: "check the name of the database in --dsn",
    1142: "use a role that may SELECT from the tables of the statement, and SHOW VIEW",
    1143: "use a role that may SELECT from the tables of the statement",
    1345: "grant SHOW VIEW on the views of the statement",
    1146: "name the database that the statement ran on in --dsn",
    1046: "name the database that the statement ran on in --dsn",
    1205: "another session holds a lock: try again later",
    1969: "give it longer, or explain it without --analyze",
    3024: "give it longer, or explain it without --analyze",
}


class MySQL:
    """One connection to MySQL 5.7 or later, or to MariaDB."""

    def __init__(self, dsn: Dsn, options: ExplainOptions) -> None:
        self.options = options
        self._driver = driver("pymysql", "pymysql>=1.1", "mysql")
        self.system = "mysql"
        try:
            self._connection = self._driver.connect(**_login(dsn, options))
            # Until here a server that says nothing is not waited for longer than for the connection.
            self._connection._read_timeout = None
            self._watchdog = Watchdog(self._connection._sock.fileno(), options.statement_timeout + GRACE)
            version = str(self._query("SELECT version()")[0][0])
            self.system = "mariadb" if "mariadb" in version.lower() else "mysql"
            self.version = version.partition("-")[0]
            self._limit()
        except self._driver.Error as error:
            raise self._unreachable(error, dsn) from None
        except (RuntimeError, ValueError, OSError) as error:  # what pymysql raises for settings that it cannot use
            words = connecting.reason(str(error)).words
            raise PerfkitError(f"the DSN cannot be used: {words}.", "mysql://user@host/database") from None
        self._stored = {str(name).lower() for (name,) in self.rows(mysql_catalog.FUNCTIONS)}
        self._seen = Seen()

    def explain(self, statement: Statement, analyze: bool | None = None) -> Plan | NotPlanned:
        try:
            refusal = why_not_planned(statement.text, self.system) or self._why_not_planned(statement.text)
            if refusal is None:
                prepared = question_marks(statement.text, self.system)
                return self._explain(statement, prepared, self.options.analyze if analyze is None else analyze)
        except (NoHonestPlan, Unclear) as reason:
            refusal = Refusal(str(reason), "give the whole statement, with its values: --keep-literals")
        except self._driver.Error as error:
            self._still_there(error)
            refusal = Refusal(
                _said(error).partition(" to use near ")[0],
                _REMEDIES.get(_code(error), "explain it on the database that it ran on"),
            )
        except PerfkitError as error:
            refusal = Refusal(error.message, error.hint)
        except UnicodeError:
            refusal = NO_TEXT
        return NotPlanned(statement.fingerprint, statement.text, refusal.why, refusal.remedy)

    def indexes(self, table: str, schema: str | None = None) -> tuple[Index, ...]:
        scans = {str(name): int(count) for name, count in self.rows(mysql_catalog.SCANS, (table, schema))}
        return tuple(mysql_catalog.indexes(table, self.rows(mysql_catalog.INDEXES, (table, schema)), scans))

    def table(self, name: str, schema: str | None = None) -> Table | None:
        tables = self.rows(mysql_catalog.TABLES, (name, schema))
        if not tables:
            return None
        columns = self.rows(mysql_catalog.COLUMNS, (name, tables[0][0]))
        return mysql_catalog.table(tables[0], columns, self.rows(mysql_catalog.INDEXES, (name, tables[0][0])))

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._transaction("START TRANSACTION READ ONLY"):
                return self._query(query, values)
        except self._driver.Error as error:
            self._still_there(error)
            return []

    def close(self) -> None:
        with suppress(self._driver.Error, OSError):
            self._connection.close()
        self._watchdog.close()

    def _explain(self, statement: Statement, prepared: Prepared, analyze: bool) -> Plan | NotPlanned:
        values = statement.parameters if len(statement.parameters) == len(prepared.names) else ()
        known, remarks = bool(values), tuple[str, ...]()
        if prepared.names and not values:
            values = mysql_typical.values_for(statement.text, self.system, self._columns, self._usual) or ()
            remarks = (mysql_typical.REMARK,)
        if prepared.names and not values:
            why = f"the values of its {len(prepared.names)} parameters are not known, and its plan depends on them"
            return NotPlanned(statement.fingerprint, statement.text, why, "keep the values: --keep-literals")
        text = filled(statement.text, self.system, values, self._connection.escape) if values else statement.text
        refusal = why_not_run(statement.text, self.system) if analyze else None
        if analyze and refusal is None and values and not known:
            refusal = Refusal("its values are not known", "keep the values: --keep-literals")
        if refusal is not None:
            remarks = (f"it was not run: {refusal.why} ({refusal.remedy})", *remarks)
        analyze = analyze and refusal is None
        sampled = bool(values) and not known
        plan = with_tables(self._sampled(text) if sampled else self._read(text, analyze), text, self.system)
        plan = replace(
            plan,
            system=self.system,
            version=self.version,
            fingerprint=statement.fingerprint,
            text=statement.text,
            analyzed=analyze,
            parameters="given" if known else "generic" if values else "literal",
            source="explain",
            remarks=(*remarks, *plan.remarks),
        )
        if sampled and _is_impossible(plan):
            why = "the values of its parameters are not known, and usual ones find no row"
            return NotPlanned(statement.fingerprint, statement.text, why, "keep the values: --keep-literals")
        rows, indexes = around(self, plan, self._seen)
        return replace(plan, tables=rows, indexes=indexes)

    def _sampled(self, text: str) -> Plan:
        """Planned with values that the user did not give, which are somebody's data: no literal stays in the plan, and no message
        of the server's repeats one."""
        try:
            return redacted(self._read(text, analyze=False))
        except self._driver.Error as error:
            self._still_there(error)
            if _code(error) in _REMEDIES:
                raise
            raise NoHonestPlan(
                f"the server does not plan it with the values of a usual row (error {_code(error)})"
            ) from None

    def _columns(self, schema: str | None, table: str) -> set[str]:
        """None of a view, whose rows may take long to be found."""
        if not self.rows(mysql_catalog.BASE_TABLE, (table, schema)):
            return set()
        return {str(row[0]).lower() for row in self.rows(mysql_catalog.COLUMN_NAMES, (table, schema))}

    def _usual(self, schema: str | None, table: str, columns: Sequence[str]) -> Sequence[str | None]:
        """Of the middle one of the first rows, by the first column."""
        names = [_quoted(column) for column in columns]
        of = f"{_quoted(schema)}.{_quoted(table)}" if schema else _quoted(table)
        short = " AND ".join(f"char_length({name}) <= {mysql_typical.LONGEST}" for name in names)
        rows = self.rows(
            f"SELECT * FROM (SELECT {', '.join(names)} FROM {of} LIMIT {mysql_typical.SAMPLE}) s WHERE {short} ORDER BY {names[0]}"
        )
        if not rows:
            return [None] * len(columns)
        return [None if value is None or isinstance(value, bytes) else str(value) for value in rows[len(rows) // 2]]

    def _read(self, text: str, analyze: bool) -> Plan:
        if analyze and self.system == "mysql":
            return mysql_tree.read_tree(self._planned(f"EXPLAIN ANALYZE {text}", writes=False))
        if analyze:
            return mysql_json.read_json(self._planned(f"ANALYZE FORMAT=JSON {text}", writes=False))
        return mysql_json.read_json(self._planned(f"EXPLAIN FORMAT=JSON {text}", writes=True))

    def _planned(self, text: str, writes: bool) -> str:
        """`writes`: in an ordinary transaction where READ ONLY refuses it."""
        try:
            with self._transaction("START TRANSACTION READ ONLY"):
                return str(self._query(text)[0][0])
        except self._driver.Error as error:
            if _code(error) != _READ_ONLY or not writes:
                raise
        with self._transaction("START TRANSACTION"):
            return str(self._query(text)[0][0])

    def _why_not_planned(self, text: str) -> Refusal | None:
        """Also of the views in it, and of those in them."""
        refusal = mysql_safety.why_not_planned(text, self.system, self._stored)
        names, known = mysql_safety.names_in(text, self.system), set[str]()
        for _ in range(_MOST_VIEWS):
            new = names - known
            if refusal is not None or not new:
                return refusal
            known |= new
            for view, definition in self.rows(mysql_catalog.VIEWS, (tuple(new),)):
                if not definition:
                    return Refusal(
                        f"the view {view} may call anything: its definition is not shown to this role", _REMEDIES[1345]
                    )
                inside = mysql_safety.why_not_planned(definition, self.system, self._stored)
                if inside is not None:
                    return replace(inside, why=f"{inside.why} (in the view {view})")
                names |= mysql_safety.names_in(definition, self.system)
        return Refusal(f"its views are nested more than {_MOST_VIEWS} deep", "explain what the view selects")

    def _limit(self) -> None:
        """Quotes mean what `scanning` takes them for, whatever the server's own sql_mode; no statement takes longer than it may."""
        lock = max(1, round(self.options.lock_timeout))
        self._query("SET SESSION sql_mode = ''")
        for setting, value in (("lock_wait_timeout", lock), ("innodb_lock_wait_timeout", lock)):
            self._query(f"SET SESSION {setting} = {value}")
        if self.system == "mariadb":
            self._query(f"SET SESSION max_statement_time = {self.options.statement_timeout:f}")
        else:
            self._query(f"SET SESSION max_execution_time = {max(1, round(self.options.statement_timeout * 1000))}")

    @contextmanager
    def _transaction(self, start: str) -> Iterator[None]:
        self._query(start)
        try:
            yield
        finally:
            with suppress(self._driver.Error), self._watchdog.watching():
                self._connection.rollback()

    def _query(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._watchdog.watching(), self._connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return cast(list[tuple[Any, ...]], list(cursor.fetchall()))

    def _still_there(self, error: Exception) -> None:
        if _code(error) in _GONE or not self._connection.open:
            raise ServerGone(self._watchdog.said if self._watchdog.has_cut else _said(error)) from None

    def _unreachable(self, error: Exception, dsn: Dsn) -> PerfkitError:
        code = _code(error)
        where = f"the database on {dsn.shown}"
        hint = _REMEDIES.get(code, "check host and port in --dsn, and that the server runs")
        said = "said no" if code in _REMEDIES else "cannot be reached"
        words = _NO_LOGIN.get(code) or connecting.reason(_said(error)).words  # the driver's own may repeat the password
        return PerfkitError(f"{where} {said}: {words} (error {code}).", hint)


def _login(dsn: Dsn, options: ExplainOptions) -> dict[str, Any]:
    """What pymysql.connect takes. Several statements in one text stay switched off."""
    login: dict[str, Any] = {
        "host": dsn.host or "localhost",
        "port": dsn.port or 3306,
        "user": dsn.user or None,
        "password": dsn.password or os.environ.get("MYSQL_PWD", ""),
        "database": dsn.database or None,
        "charset": "utf8mb4",
        "connect_timeout": max(1, round(options.connect_timeout)),
        "read_timeout": max(1, round(options.connect_timeout)),
        "program_name": "perfkit",
        "local_infile": False,
        "autocommit": False,
    }
    if "unix_socket" in dsn.query:
        login["unix_socket"] = dsn.query["unix_socket"]
    for name in ("ssl_ca", "ssl_cert", "ssl_key"):
        if name in dsn.query:
            login[name] = dsn.query[name]
    return login


def _is_impossible(plan: Plan) -> bool:
    """Whether the server saw while planning that nothing would come: such a plan says nothing of other values."""
    facts = " ".join(fact.lower() for _, node in plan.root.walk() for fact in node.facts)
    return "impossible" in facts or "no matching row" in facts


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _code(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else -1


def _said(error: Exception) -> str:
    return _one_line(str(error.args[1] if len(error.args) > 1 else error) or "the connection ended")


def _one_line(text: str) -> str:
    return redact.text(" ".join(text.split()).rstrip("."))[:500]
