"""Statements that the database plans again each time, because their values stand in their texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
        found = []
        for statement, digest in logged(view):
            whole = digest.time.seconds + digest.preparing / 1e6
            spent = _planning(statement, digest)
            if whole and spent >= LEAST * whole:
                found.append(Planned(statement, digest, spent, min(1.0, spent / whole)))
        if found:
            yield self._candidate(view, found)

    def _candidate(self, view: View, found: list[Planned]) -> Candidate:
        """One for all of them: they come from the same driver, and have the same remedy."""
        worst = max(found, key=lambda one: one.spent)
        spent = sum(one.spent for one in found)
        timed = all(one.digest.preparing for one in found)
        subject = (
            f"A statement on {worst.statement.table or 'the database'} is"
            if len(found) == 1
            else f"{len(found)} statements are"
        )
        return Candidate(
            rule=self.name,
            title=f"{subject} planned again at each execution: {units.seconds(spent)} of parsing and planning",
            claim={stack: part for one in found for stack, part in one.statement.claim(view, one.part).items()},
            where=worst.statement.where if len(found) == 1 else None,
            evidence=(
                Evidence(
                    f"Planning takes {units.share(worst.part)} of {worst.statement.shown(70)}.",
                    worst.part,
                    "share",
                    n=worst.digest.time.count,
                    where=worst.statement.where,
                ),
                *(
                    Evidence(
                        f"{units.share(one.part)} of {one.statement.shown(70)}.",
                        one.part,
                        "share",
                        n=one.digest.time.count,
                    )
                    for one in sorted(found, key=lambda one: -one.spent)[1:5]
                ),
            ),
            advice=Advice(_advice(timed)),
            saves=(0.5, 0.95),
            confidence=Confidence(
                "high" if timed else "medium",
                "the server timed parsing and binding" if timed else "each text was new, and planning was timed once",
            ),
            basis="timed" if timed else "modelled",
            detail=worst.statement.id if len(found) == 1 else "",
        )


@dataclass(frozen=True)
class Planned:
    """`part` is what planning takes of all that the statement costs, `spent` its seconds."""

    statement: Statement
    digest: Digest
    spent: float
    part: float


def _advice(timed: bool) -> str:
    prepare = (
        "let the driver prepare what runs often: psycopg 3 does after five executions on a connection (`prepare_threshold`), "
        "asyncpg at once. Connections that live for one request, and poolers in transaction mode, lose what was prepared"
    )
    return prepare if timed else f"send the values as parameters, with the same text each time, and {prepare}"


def _planning(statement: Statement, digest: Digest) -> float:
    """Seconds that planning took, as the log or the plan knows; 0.0 where nothing tells."""
    if digest.preparing:
        return digest.preparing / 1e6
    plan = statement.plan
    literal = digest.values is not None and digest.values >= LEAST_TEXTS and digest.prepared < 0.1 * digest.time.count
    if not literal or plan is None or plan.planning_seconds is None or plan.analyzed:
        return 0.0
    return plan.planning_seconds * digest.time.count
