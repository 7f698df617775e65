"""Explain room: a plan comes in, the same plan with the one or two indexes that would help, and what its tables' indexes are worth,
goes out. No index is made and nothing is executed: the advice is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from perfkit.explain import advice_trial, indexcatalog, indexes
from perfkit.explain.advice_choice import Group, together, tried_ones, untried_ones
from perfkit.explain.advice_facts import known_tables, sampled
from perfkit.explain.advice_scans import Scan, scans, uses_of_plan
from perfkit.explain.advice_wanted import Candidate, candidates
from perfkit.explain.advice_whynot import why_not
from perfkit.explain.interface import Database, ServerGone, Statement
from perfkit.model.plan import Plan
from perfkit.shared.sqlpredicates import predicates

_MOST_TRIALS: Final = 20
_STALE = """
SELECT c.reltuples < 0 OR s.n_mod_since_analyze > 0.2 * greatest(s.n_live_tup, 1), s.n_mod_since_analyze, s.n_live_tup
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relname = %s AND n.nspname = %s AND greatest(s.n_live_tup, s.n_mod_since_analyze) >= 1000"""


def advised(database: Database, statement: Statement, plan: Plan) -> Plan:
    """Never raises: where the server goes away in the middle, or says no, the plan stays as it was, with a remark."""
    try:
        return _advised(database, statement, plan)
    except ServerGone as reason:
        return replace(
            plan, remarks=(*plan.remarks, f"no index could be looked for: the server ended the connection: {reason}")
        )


def _advised(database: Database, statement: Statement, plan: Plan) -> Plan:
    uses = predicates(statement.text, database.system)
    uses = (*uses, *uses_of_plan(plan))
    known = known_tables(database, plan, uses)
    if any(not use.alone for use in uses):  # now that columns are known, those without a table in front find theirs
        columns = {
            about.table.name.lower(): [column.name for column in about.table.columns] for about in known.values()
        }
        uses = (*predicates(statement.text, database.system, columns), *uses_of_plan(plan))
    known = {name: sampled(database, about, uses) for name, about in known.items()}
    rows = {name: about.rows for name, about in known.items() if about.rows is not None}
    plan = replace(plan, tables={**plan.tables, **rows})
    found = list(scans(plan, uses, known))
    age = indexcatalog.age(database) if known else None
    wanted = _grouped(candidate for scan in found for candidate in candidates(scan))
    with advice_trial.trial(database, statement, plan) as (trial, merit):
        advice = tried_ones(trial, plan, wanted, merit, age) if trial else untried_ones(wanted, age)
        if trial and not advice:
            advice = together(trial, plan, found, merit, age)
    details = tuple({about.table.name: about.details for about in known.values()}.values())
    return replace(
        plan,
        advice=tuple(advice),
        redundant=tuple(one for some in details for one in indexes.redundant(some, database.system)),
        remarks=tuple(dict.fromkeys((*plan.remarks, *_remarks(database, found, details, age, bool(advice))))),
    )


def _grouped(found: Iterable[Candidate]) -> list[Group]:
    """Those that one CREATE INDEX would make: one a table, or one for each partition that is read."""
    groups: dict[tuple[object, ...], dict[str, Candidate]] = {}
    for candidate in found:
        groups.setdefault(candidate.same, {}).setdefault(candidate.scan.known.table.name, candidate)
    return [tuple(group.values()) for group in groups.values()][:_MOST_TRIALS]


def _remarks(
    database: Database,
    found: Sequence[Scan],
    details: Sequence[Sequence[indexes.Detail]],
    age: float | None,
    helped: bool,
) -> Iterator[str]:
    if not helped:
        for scan in found:
            yield from why_not(scan)
            yield from _stale(database, scan)
    for some in details:
        yield from indexes.remarks(some, age, database.system)


def _stale(database: Database, scan: Scan) -> Iterator[str]:
    """Statistics that are old enough to mislead the planner: none, or more than a fifth of the rows changed since."""
    table = scan.known.table
    if database.system != "postgresql":
        return
    rows: Sequence[Sequence[object]] = database.rows(_STALE, (table.name, table.schema))
    if rows and rows[0][0]:
        yield f"the statistics of {table.name} are old: {rows[0][1]:,} rows changed since the last ANALYZE, {rows[0][2]:,} are there. Run ANALYZE and look again."
