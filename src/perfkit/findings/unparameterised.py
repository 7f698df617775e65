"""Statements that the database plans again each time, because their values stand in their texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import units

LEAST_TEXTS: Final = 100
# Of what an execution costs with its planning.
LEAST: Final = 0.2


class Unparameterised:
    """The database spends much of a statement's time on reading and planning it again.

    **What it sees.** A statement whose parsing and binding (as PostgreSQL logs them) take a fifth of its seconds and more; or
    one that comes in 100 different texts, with values written into them, and whose plan takes as long to make.

    **Why it hurts.** A plan is made for one execution and thrown away; statements with parameters can be prepared once.

    **Before**

        cursor.execute(f"SELECT name FROM item WHERE id = {item}")

    **After**

        cursor.execute("SELECT name FROM item WHERE id = %s", (item,), prepare=True)

    **When to ignore it.** The plan depends on the value (a rare status, a wide date range): then planning again is right.
    """

    name: ClassVar[str] = "unparameterised"
    summary: ClassVar[str] = "a statement is planned again at each execution"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, digest in logged(view):
            whole = digest.time.seconds + digest.preparing / 1e6
            spent, where = _planning(statement, digest)
            if whole and spent >= LEAST * whole:
                yield self._candidate(view, statement, digest, min(1.0, spent / whole), spent, where)

    def _candidate(
        self, view: View, statement: Statement, digest: Digest, part: float, spent: float, where: str
    ) -> Candidate:
        return Candidate(
            rule=self.name,
            title=f"{statement.table or 'A statement'}: {units.share(part)} of its time goes into planning it again",
            claim=statement.claim(view, part),
            where=statement.where,
            evidence=(
                statement.cited(),
                Evidence(f"{where} took {units.seconds(spent)} in all.", spent, "seconds", n=digest.time.count),
            ),
            advice=Advice(
                "send the values as parameters, with the same text each time, and let the driver prepare it: psycopg 3 does after "
                "five executions (`prepare_threshold`), asyncpg at once; a pooler in transaction mode must allow prepared statements"
            ),
            saves=(0.5, 0.95),
            confidence=Confidence("high" if digest.preparing else "medium", f"{where} were timed by the server"),
            basis="timed" if digest.preparing else "modelled",
            detail=statement.id,
        )


def _planning(statement: Statement, digest: Digest) -> tuple[float, str]:
    """Seconds that planning took, as the log or the plan knows, and what was timed."""
    if digest.preparing:
        return digest.preparing / 1e6, "Parsing and binding"
    plan = statement.plan
    literal = digest.values is not None and digest.values >= LEAST_TEXTS and digest.prepared < 0.1 * digest.time.count
    if not literal or plan is None or plan.planning_seconds is None or plan.analyzed:
        return 0.0, ""
    return plan.planning_seconds * digest.time.count, f"Planning {units.count(digest.values or 0)} different texts"
