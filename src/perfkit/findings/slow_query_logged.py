"""Statements that take long, as a database's log tells: a View of a log comes in, candidates of slow-query go out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged, seen_in, waited
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import sqltext, units

SLOW: Final = 0.010
NOTABLE: Final = 0.001
MUCH: Final = 0.05
_QUERIES: Final = frozenset(
    {"SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CALL", "EXECUTE", "FETCH"}
)


def taking_long(view: View, rule: str, advice: dict[str, str]) -> Iterable[Candidate]:
    """Those that take long each time; then, as mere places, those that are quick and yet take much of all time."""
    for statement, digest in logged(view):
        much = view.share(statement.seconds) >= MUCH
        # Without its waits for others, which are their own cause.
        if sqltext.verb(statement.text, statement.system) not in _QUERIES:
            if much:
                yield _upkeep(view, rule, statement, digest)
            continue
        mean = digest.time.mean - waited(digest) / max(1, digest.time.count)
        if min(mean, digest.time.quantile(0.5)) >= SLOW or (much and mean >= NOTABLE):
            yield _candidate(view, rule, statement, digest, advice.get(statement.text, ""))
        elif much:
            yield _busy(view, rule, statement, digest)


def _candidate(view: View, rule: str, statement: Statement, digest: Digest, advice: str) -> Candidate:
    time = digest.time
    seen = seen_in(statement.plan) if statement.plan is not None else None
    return Candidate(
        rule=rule,
        title=f"A {'write to' if statement.is_write else 'query of'} {statement.table or 'the database'} takes "
        f"{units.seconds(time.mean)} each time",
        claim=statement.claim(view),
        where=statement.where,
        evidence=(
            statement.cited(),
            Evidence(
                f"Half of its executions take {units.seconds(time.quantile(0.5))} and more, one in twenty "
                f"{units.seconds(time.quantile(0.95))}, the longest {units.seconds(time.largest / 1e6)}.",
                time.quantile(0.5),
                "seconds",
                n=time.count,
            ),
            *([seen] if seen is not None else []),
        ),
        advice=Advice(advice),
        confidence=Confidence(
            "high" if time.count >= 5 else "medium",
            f"{units.plural(time.count, 'execution')} timed by the server; "
            + (
                "its plan names no index that would help"
                if statement.plan is not None
                else "its plan was not looked at"
            ),
        ),
        basis="timed",
        detail=statement.id,
    )


def _upkeep(view: View, rule: str, statement: Statement, digest: Digest) -> Candidate:
    """Transactions' ends, and what changes or maintains tables: they have no plan."""
    ends = sqltext.verb(statement.text, statement.system) in ("COMMIT", "ROLLBACK")
    return Candidate(
        rule=rule,
        title=f"{sqltext.shortened(statement.text, 40, statement.system)} takes {units.seconds(digest.time.mean)} each time",
        claim=statement.claim(view),
        where=statement.where,
        evidence=(statement.cited(),),
        advice=Advice(
            "each waits for the disk: write several rows in one transaction, or look at the disk"
            if ends
            else "if it is upkeep, let it run when few are there; if the application does it, do it less often"
        ),
        confidence=Confidence("high", "the server timed each of them"),
        least=MUCH,
        basis="timed",
        informative=True,
        detail=statement.id,
    )


def _busy(view: View, rule: str, statement: Statement, digest: Digest) -> Candidate:
    return Candidate(
        rule=rule,
        title=f"{statement.table or 'A statement'}: {units.count(digest.time.count)} quick executions add up",
        claim=statement.claim(view),
        where=statement.where,
        evidence=(statement.cited(),),
        advice=Advice(
            "each is quick: ask for it less often. Keep the answer for a while, or fetch several at once; perfkit run shows "
            "the line that asks"
        ),
        confidence=Confidence("high", "the server timed each of them"),
        least=MUCH,
        basis="timed",
        informative=True,
        detail=statement.id,
    )
