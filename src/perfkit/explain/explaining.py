"""Explain room: statements and a DSN come in, one Plan or NotPlanned for each goes out, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perfkit.explain import DATABASES
from perfkit.explain.advice import advised
from perfkit.explain.dsn import parse
from perfkit.explain.interface import Database, ExplainOptions, ServerGone, Statement
from perfkit.model.plan import NotPlanned, Plan

_ALIKE = {"mariadb": "mysql", "postgres": "postgresql"}


def connect(dsn: str, options: ExplainOptions | None = None) -> Database:
    """Raises PerfkitError: the DSN is wrong, the driver is missing, the server is not there or says no."""
    parsed = parse(dsn)
    return DATABASES.load(parsed.kind)(parsed, options or ExplainOptions())


def explain_all(
    statements: Iterable[Statement], dsn: str, options: ExplainOptions | None = None
) -> Iterator[Plan | NotPlanned]:
    """Connects at once and raises as `connect` does; after that each statement gets an answer, whatever happens to the server."""
    database = connect(dsn, options)
    return _answers(statements, database)


def _answers(statements: Iterable[Statement], database: Database) -> Iterator[Plan | NotPlanned]:
    gone: str | None = None
    try:
        for statement in statements:
            if gone is None:
                try:
                    yield _one(statement, database)
                    continue
                except ServerGone as reason:
                    gone = str(reason)
            why = f"the server ended the connection: {gone}"
            yield NotPlanned(statement.fingerprint, statement.text, why, "see the server's log, and explain it again")
    finally:
        database.close()


def _one(statement: Statement, database: Database) -> Plan | NotPlanned:
    wanted = _ALIKE.get(statement.system, statement.system)
    if wanted and wanted != _ALIKE.get(database.system, database.system):
        why = f"it is a statement of {statement.system}, and --dsn leads to {database.system}"
        return NotPlanned(
            statement.fingerprint, statement.text, why, f"give the DSN of its {statement.system} database"
        )
    plan = database.explain(statement)
    return advised(database, statement, plan) if isinstance(plan, Plan) else plan
