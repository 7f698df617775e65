"""Statements that take long, as a database's log tells: a View of a log comes in, candidates of slow-query go out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged, waited
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import units

SLOW: Final = 0.010
NOTABLE: Final = 0.001
MUCH: Final = 0.05


def taking_long(view: View, rule: str, advice: dict[str, str]) -> Iterable[Candidate]:
    """Those that take long each time; then, as mere places, those that are quick and yet take much of all time."""
    for statement, digest in logged(view):
        much = view.share(statement.seconds) >= MUCH
        # Without its waits for others, which are their own cause.
        mean = digest.time.mean - waited(digest) / max(1, digest.time.count)
        if min(mean, digest.time.quantile(0.5)) >= SLOW or (much and mean >= NOTABLE):
            yield _candidate(view, rule, statement, digest, advice.get(statement.text, ""))
        elif much:
            yield _busy(view, rule, statement, digest)


def _candidate(view: View, rule: str, statement: Statement, digest: Digest, advice: str) -> Candidate:
    time = digest.time
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
        ),
        advice=Advice(advice),
        confidence=Confidence(
            "high" if time.count >= 5 else "medium",
            f"{units.plural(time.count, 'execution')} timed by the server; "
            + ("its plan names no cause" if statement.plan is not None else "its plan was not looked at"),
        ),
        basis="timed",
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
