"""Explain room: candidates come in, what the planner does with them goes out, without an index ever being made in the database.

PostgreSQL: hypopg, where the extension is there already; its indexes live in the session, survive ROLLBACK, and are always taken
away again. SQLite: a copy of schema and statistics in memory, with no row in it. Nothing tries MySQL and MariaDB.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from perfkit.errors import PerfkitError
from perfkit.explain.advice_wanted import Candidate
from perfkit.explain.advice_words import index_name, trial_ddl
from perfkit.explain.indexnames import quoted
from perfkit.explain.interface import Database, Statement
from perfkit.explain.placeholders import NoHonestPlan, question_marks
from perfkit.explain.scanning import Unclear
from perfkit.explain.sqlite_plan import plan_of_rows
from perfkit.model.plan import Plan, PlanNode

_HYPOPG = "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg'"
_SCHEMA = "SELECT type, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('table', 'index', 'view') ORDER BY type = 'table' DESC, type"
_HOW = re.compile(r"AUTOMATIC|PARTIAL|COVERING|INDEX|INTEGER|PRIMARY")
_STATISTICS = ("sqlite_stat1", "sqlite_stat4")


@dataclass(frozen=True, slots=True)
class Tried:
    """The plan with the candidates: how many of them it uses, its cost where the planner gives one. `merit` orders plans without
    costs: the highest is best, 0 is none. `bytes` are sizes, one a candidate. `shown` are the steps on the tables of the candidates, in the
    database's words, before and after: where it gives no costs they are all that the trial showed."""

    used: int
    cost: float | None
    merit: float = 0.0
    bytes: tuple[int | None, ...] = ()
    shown: tuple[str, str] | None = None


class Trial(Protocol):
    """`name` is what IndexAdvice calls `verified`."""

    name: str

    def of(self, candidates: Sequence[Candidate]) -> Tried | None:
        """All of them at once; None where one could not be made. Raises ServerGone."""


class Hypopg:
    name = "hypopg"

    def __init__(self, database: Database, statement: Statement, schema: str) -> None:
        self._database, self._statement, self._schema = database, statement, schema

    def of(self, candidates: Sequence[Candidate]) -> Tried | None:
        try:
            made = [self._made(candidate) for candidate in candidates]
            if not all(made):
                return None
            plan = self._database.explain(self._statement, analyze=False)
            sizes = tuple(self._size(one[0]) for one in made if one)
        finally:
            self._database.rows(f"SELECT {self._schema}.hypopg_reset()")
        if not isinstance(plan, Plan):
            return None
        indexes = {node.index for _, node in plan.root.walk()}
        return Tried(sum(1 for one in made if one and one[1] in indexes), plan.root.cost, bytes=sizes)

    def _made(self, candidate: Candidate) -> tuple[int, str] | None:
        """Its number and its name; None where PostgreSQL refuses it, as for a function that is not immutable."""
        rows = self._database.rows(
            f"SELECT indexrelid, indexname FROM {self._schema}.hypopg_create_index(%s)", (trial_ddl(candidate),)
        )
        return (int(rows[0][0]), str(rows[0][1])) if rows else None

    def _size(self, number: int) -> int | None:
        rows = self._database.rows(f"SELECT {self._schema}.hypopg_relation_size(%s)", (number,))
        return int(rows[0][0]) if rows and rows[0][0] is not None else None


class Copy:
    name = "a copy of schema and statistics in memory"

    def __init__(self, connection: sqlite3.Connection, text: str, values: Sequence[str | None]) -> None:
        self._connection, self._text, self._values = connection, text, values
        self.before = self.plan()

    def of(self, candidates: Sequence[Candidate]) -> Tried | None:
        """The index has to be used as SQLite guesses before the next ANALYZE, and as it would be after it."""
        names: list[str] = []
        try:
            for candidate in candidates:
                names.append(index_name(candidate))
                self._connection.execute(trial_ddl(candidate, names[-1]))
            fresh = self.plan()
            for candidate, name in zip(candidates, names, strict=True):
                self._estimate(candidate, name)
            self._connection.execute("ANALYZE sqlite_master")
            plan = self.plan()
        except (sqlite3.Error, PerfkitError):
            return None
        finally:
            for name in names:
                self._connection.execute(f"DROP INDEX IF EXISTS {quoted(name, 'sqlite')}")
            self._connection.execute("ANALYZE sqlite_master")
        nodes = [node for _, node in plan.walk()]
        used = [node for node in nodes if node.index in names]
        sorts = sum(1 for node in nodes if node.kind == "USE TEMP B-TREE")
        both = {node.index for node in used} & {node.index for _, node in fresh.walk()}
        return Tried(len(both), None, sum(map(_terms, used)) - 2 * sorts, shown=(_steps(self.before), _steps(plan)))

    def plan(self) -> PlanNode:
        """Raises sqlite3.Error, PerfkitError."""
        rows = self._connection.execute(f"EXPLAIN QUERY PLAN {self._text}", self._values).fetchall()
        return plan_of_rows([(row[0], row[1], row[3]) for row in rows], "").root

    def _estimate(self, candidate: Candidate, name: str) -> None:
        """A row of statistics from what is known of the columns: rows, and rows for each value of the first keys. Where the table
        was never analysed SQLite's own guesses stay."""
        table = candidate.scan.known.table
        known = self._connection.execute("SELECT 1 FROM sqlite_stat1 WHERE tbl = ?", (table.name,)).fetchone()
        if not known or not table.rows:
            return
        numbers, left = [table.rows], float(table.rows)
        for key in candidate.keys:
            column = table.column(key.text)
            left = max(1.0, left / (column.distinct or 10.0)) if column else max(1.0, left / 10)
            numbers.append(round(left))
        written = " ".join(map(str, numbers))
        self._connection.execute("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table.name, name, written))


def _steps(root: PlanNode) -> str:
    """`SEARCH orders USING INDEX by_customer (customer_id=?), USE TEMP B-TREE FOR ORDER BY`, as EXPLAIN QUERY PLAN says it."""
    said = []
    for _, node in root.walk():
        conditions = ", ".join(text for _, text in node.conditions)
        if node.relation:
            how = next((fact for fact in node.facts if _HOW.match(fact)), "")
            by = [f"USING {how}" if how else "", node.index or "" if node.index != how else ""]
            words = (node.kind, node.alias or node.relation, *by, f"({conditions})" if conditions else "")
            said.append(" ".join(word for word in words if word))
        elif node.kind == "USE TEMP B-TREE":
            said.append(f"{node.kind} FOR {conditions}")
    return ", ".join(said)


def _terms(node: PlanNode) -> float:
    """Each column that is searched by a value counts four times one that is searched by a range; sorting counts between."""
    text = " ".join(text for kind, text in node.conditions if kind == "index")
    return (
        4.0 * text.count("=?")
        + (1.0 if ">?" in text or "<?" in text else 0.0)
        + (0.5 if node.kind == "SEARCH" else 0.0)
    )


@contextmanager
def trial(database: Database, statement: Statement, plan: Plan) -> Iterator[tuple[Trial | None, float]]:
    """What tries indexes here, and the merit of the plan without any; None where nothing does. Raises ServerGone."""
    if database.system == "postgresql":
        found = database.rows(_HYPOPG)
        yield (Hypopg(database, statement, str(found[0][0])) if found else None), 0.0
    elif database.system == "sqlite":
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            yield _copied(connection, database, statement, plan)
    else:
        yield None, 0.0


def _copied(
    connection: sqlite3.Connection, database: Database, statement: Statement, plan: Plan
) -> tuple[Copy | None, float]:
    """Only a copy that plans as the database itself does is worth a trial."""
    for _, sql in database.rows(_SCHEMA):
        if not sql.upper().startswith("CREATE VIRTUAL"):
            with suppress(sqlite3.Error):
                connection.execute(sql)
    try:
        connection.execute("ANALYZE")  # makes the tables of statistics
        for table in _STATISTICS:
            for row in database.rows(f"SELECT * FROM {table}"):
                with suppress(sqlite3.Error):
                    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        connection.execute("ANALYZE sqlite_master")
        prepared = question_marks(statement.text, "sqlite")
        given = (
            statement.parameters if len(statement.parameters) == len(prepared.names) else (None,) * len(prepared.names)
        )
        copy = Copy(connection, prepared.text, given)
        before = copy.before
    except (sqlite3.Error, PerfkitError, NoHonestPlan, Unclear):
        return None, 0.0
    if _shape(before) != _shape(plan.root):
        return None, 0.0
    return copy, -2.0 * sum(1 for _, node in before.walk() if node.kind == "USE TEMP B-TREE")


def _shape(root: PlanNode) -> list[tuple[str, str | None, str | None]]:
    return [(node.kind, node.alias or node.relation, node.index) for _, node in root.walk()]
