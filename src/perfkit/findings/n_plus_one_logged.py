"""N+1 as a database's log shows it: a View of a log comes in, candidates of the rule n-plus-one go out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, cited, logged
from perfkit.findings.slow_query import compared_in
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import units

# A run or two may be a page that happened to show five things.
LEAST_RUNS: Final = 3
CLEAR_RUNS: Final = 10
# Requests that come one after the other over one connection look like runs as well. What leads to a loop leads there nearly each
# time: of a statement's executions this part at least, and of all runs half.
LEADS: Final = 0.4
OF_RUNS: Final = 0.5
# Rows that one execution looks at, beyond which an index is missing where few are sent.
MANY_ROWS: Final = 500


def loops(view: View, rule: str) -> Iterable[Candidate]:
    """Reads that sessions repeat with ever other values, right after another statement that leads to them."""
    counts = {statement.text: digest.time.count for statement, digest in logged(view)}
    for statement, digest in logged(view):
        if digest.repeats.runs < LEAST_RUNS or statement.is_write:
            continue
        parents = digest.repeats.parents
        leading = {parent: led for parent, led in parents.items() if led >= LEADS * counts.get(parent, led)}
        if sum(leading.values()) >= OF_RUNS * digest.repeats.runs:
            parent = max(leading, key=lambda name: (leading[name], name))
            yield _candidate(view, rule, statement, digest, parent, counts.get(parent, 0))


def _candidate(view: View, rule: str, statement: Statement, digest: Digest, parent: str, ran: int) -> Candidate:
    repeats = digest.repeats
    led = repeats.parents[parent]
    clear = repeats.runs >= CLEAR_RUNS and led >= 0.8 * ran
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
                f"{units.count(led)} of them follow {cited(parent, 70, statement.system)}, which ran "
                f"{units.count(ran)} times.",
                led,
                "runs",
            ),
            *_searched(digest),
        ),
        advice=Advice(
            _index(statement, digest)
            + "load them together with the rows that they belong to: a JOIN, or one statement with `IN (…)`; in an ORM "
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


def _searched(digest: Digest) -> list[Evidence]:
    """What each execution looks at, where the server counts it and it is far too much."""
    examined, sent = (digest.rows_examined or 0) / digest.time.count, (digest.rows_sent or 0) / digest.time.count
    if examined < MANY_ROWS or examined < MANY_ROWS * max(1.0, sent) / 10:
        return []
    claim = f"Each looks at {units.count(examined)} rows to send {sent:.2g}: that is a missing index besides."
    return [Evidence(claim, examined, "rows", n=digest.time.count)]


def _index(statement: Statement, digest: Digest) -> str:
    columns = compared_in(statement.text, statement.system) if _searched(digest) else []
    return f"make an index on {statement.table} ({', '.join(columns)}), and " if columns else ""
