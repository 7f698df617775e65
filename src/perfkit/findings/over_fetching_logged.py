"""Rows examined or sent far beyond need, as the server counts them: candidates of the rule over-fetching."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged
from perfkit.findings.slow_query import compared_in
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import sqltext, units

# Rows examined for each that is sent, and in each execution; a count or a sum examines many on purpose.
LEAST_RATIO: Final = 100
LEAST_EXAMINED: Final = 1000
LEAST_SENT: Final = 10_000
_OFFSET = re.compile(r"\boffset \?|\blimit \?, \?")
_AGGREGATE = re.compile(
    r"\bselect (?:distinct )?(?:count|sum|avg|min|max|group_concat|string_agg|array_agg)\(|\bgroup by\b"
)


def fetched(view: View, rule: str) -> Iterable[Candidate]:
    """Reads of which the log says how many rows they examined and sent."""
    for statement, digest in logged(view):
        if statement.is_write or not digest.time.count:
            continue
        examined = (digest.rows_examined or 0) / digest.time.count
        sent = (digest.rows_sent or 0) / digest.time.count
        if examined >= LEAST_EXAMINED and examined >= LEAST_RATIO * max(1.0, sent):
            yield _examined(view, rule, statement, digest, examined, sent)
        elif sent >= LEAST_SENT and not sqltext.has_limit(statement.text, statement.system):
            yield _sent(view, rule, statement, digest, sent)


def _examined(view: View, rule: str, statement: Statement, digest: Digest, examined: float, sent: float) -> Candidate:
    paged = _OFFSET.search(statement.text) is not None
    return Candidate(
        rule=rule,
        title=f"{statement.table or 'A query'}: {units.count(examined)} rows are examined to send {_few(sent)}",
        claim=statement.claim(view),
        where=statement.where,
        evidence=(
            statement.cited(),
            Evidence(
                f"{units.count(digest.rows_examined or 0)} rows examined, {units.count(digest.rows_sent or 0)} sent.",
                digest.rows_examined or 0,
                "rows",
                n=digest.time.count,
            ),
        ),
        advice=Advice(_advice(statement, paged)),
        saves=(0.5, 0.95),
        confidence=Confidence(
            "medium" if _AGGREGATE.search(statement.text) else "high",
            "the server counted the rows; its plan was not looked at",
        ),
        least=0.05 if _AGGREGATE.search(statement.text) else 0.01,
        basis="counted",
        detail=statement.id,
    )


def _sent(view: View, rule: str, statement: Statement, digest: Digest, sent: float) -> Candidate:
    return Candidate(
        rule=rule,
        title=f"{statement.table or 'A query'}: {units.count(sent)} rows are sent each time, without a LIMIT",
        claim=statement.claim(view),
        where=statement.where,
        evidence=(
            statement.cited(),
            Evidence(
                f"{units.count(digest.rows_sent or 0)} rows were sent.",
                digest.rows_sent or 0,
                "rows",
                n=digest.time.count,
            ),
        ),
        advice=Advice(
            "if nobody looks at all of them: LIMIT with a condition on the last row seen, or let the database count and add up; "
            "an export reads them in parts (`fetchmany`, a server-side cursor)"
        ),
        saves=(0.3, 0.98),
        confidence=Confidence("medium", "the server counted the rows; what becomes of them is not in its log"),
        least=0.03,
        basis="counted",
        detail=statement.id,
    )


def _few(sent: float) -> str:
    return units.count(sent) if sent >= 1 else "none" if not sent else "less than one"


def _advice(statement: Statement, paged: bool) -> str:
    if paged:
        return (
            "OFFSET reads all rows before the page: ask for the rows after the last one seen (`WHERE id > … ORDER BY id "
            "LIMIT …`), with an index on what they are ordered by"
        )
    if _AGGREGATE.search(statement.text):
        return "keep what is counted or added up (a column, a materialised view, a cache), or narrow it by an indexed column"
    columns = compared_in(statement.text, statement.system)
    where = f" on {statement.table} ({', '.join(columns)})" if columns and statement.table else " on what it compares"
    return f"look at its plan (`perfkit explain --dsn URL`): an index{where} is probably missing"
