"""Rows written one by one, as a database's log shows it: a View of a log comes in, candidates of row-by-row-write go out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import sqltext, units

LEAST_LONGEST: Final = 20


def one_by_one(view: View, rule: str) -> Iterable[Candidate]:
    """Writes that one connection repeats with nothing but their values changed."""
    for statement, digest in logged(view):
        if statement.is_write and digest.repeats.longest >= LEAST_LONGEST:
            yield _candidate(view, rule, statement, digest)


def _candidate(view: View, rule: str, statement: Statement, digest: Digest) -> Candidate:
    repeats = digest.repeats
    verb = sqltext.verb(statement.text, statement.system)
    many = {
        "INSERT": "one INSERT with many rows (`executemany` of psycopg 3, `bulk_create`, `insert().values([…])`), or COPY",
        "DELETE": "one DELETE with `IN (…)`, or a condition that says which rows",
    }.get(verb, "one UPDATE that computes, with `CASE` or from a VALUES list (`bulk_update`)")
    return Candidate(
        rule=rule,
        title=f"{statement.table or 'Rows'}: up to {units.count(repeats.longest)} rows are written one by one",
        claim=statement.claim(view, min(1.0, repeats.micros / max(1, digest.time.total))),
        where=statement.where,
        evidence=(
            statement.cited(),
            Evidence(
                f"{units.count(repeats.executions)} executions came in {units.count(repeats.runs)} runs of one connection.",
                repeats.executions,
                "executions",
                n=repeats.runs,
            ),
        ),
        advice=Advice(f"write them together: {many}, in one transaction"),
        saves=(0.5, 0.95),
        confidence=Confidence("high", f"runs of up to {units.count(repeats.longest)} were counted"),
        basis="counted",
        detail=statement.id,
    )
