"""N+1 as a database's log shows it: a View of a log comes in, candidates of the rule n-plus-one go out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import sqltext, units

# A run or two may be a page that happened to show five things.
LEAST_RUNS: Final = 3
CLEAR_RUNS: Final = 10


def loops(view: View, rule: str) -> Iterable[Candidate]:
    """Reads that sessions repeat with ever other values, right after another statement."""
    for statement, digest in logged(view):
        if digest.repeats.runs >= LEAST_RUNS and not statement.is_write:
            yield _candidate(view, rule, statement, digest)


def _candidate(view: View, rule: str, statement: Statement, digest: Digest) -> Candidate:
    repeats = digest.repeats
    parent, led = next(iter(repeats.parents.most_common(1)), ("", 0))
    clear = repeats.runs >= CLEAR_RUNS and led >= 0.5 * repeats.runs
    return Candidate(
        rule=rule,
        title=f"N+1: {statement.table or 'a statement'} is loaded once per row, up to {units.count(repeats.longest)} times in a row",
        claim=statement.claim(view, min(1.0, repeats.micros / max(1, digest.time.total))),
        where=statement.where,
        evidence=(
            statement.cited(),
            Evidence(
                f"{units.count(repeats.executions)} executions came in {units.count(repeats.runs)} runs of one connection, with "
                "other values each time.",
                repeats.executions,
                "executions",
                n=repeats.runs,
            ),
            Evidence(
                f"{units.count(led)} of them follow `{sqltext.shortened(parent, 70, statement.system)}`.", led, "runs"
            ),
        ),
        advice=Advice(
            "load them together with the rows that they belong to: a JOIN, or one statement with `IN (…)`; in an ORM "
            "`select_related`, `prefetch_related`, `selectinload` or `joinedload`. `perfkit run` shows the line"
        ),
        saves=(0.7, 0.97),
        confidence=Confidence(
            "high" if clear else "medium",
            f"{units.count(repeats.runs)} runs"
            + (" after the same statement" if clear else "; their code was not seen"),
        ),
        basis="counted",
        detail=statement.id,
    )
