"""Single executions that take long."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import is_log, plan_of, seen_in
from perfkit.findings.slow_query_logged import MUCH, NOTABLE, SLOW, taking_long
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_loops import read_loops
from perfkit.findings.sql_uses import Group, groups, require_timed
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.plan import Plan
from perfkit.shared import sqltext, units
from perfkit.shared.sqlpredicates import predicates

# A statement that takes so many round trips works in the server; one does not.
ROUND_TRIPS: Final = 5
# The end of a transaction is quicker than any statement, whose first one may come with a BEGIN of its own.
OF_ENDINGS: Final = 10
# Made into Python objects and sent, before anything of it is fetched.
PER_ROW: Final = 10e-6
_SEARCHES = re.compile(r"\b(?:where|join|group by|order by|from)\b")
_LOCKS = re.compile(r"\bfor (?:no key )?(?:update|share)\b|advisory|get_lock|sleep\s*\(|pg_notify")
_LIKE = re.compile(r"\bi?like\b")
_PATTERN = "a pattern that begins with % finds no index but a trigram or a full-text one"
_EXPLAIN = {
    "sqlite": "EXPLAIN QUERY PLAN …",
    "postgresql": "EXPLAIN (ANALYZE, BUFFERS) …",
    "mysql": "EXPLAIN ANALYZE …",
}


class SlowQuery:
    """A statement takes long each time.

    **What it sees.** A statement that searches (WHERE, JOIN, GROUP BY, ORDER BY) and takes 10 ms and more in half of its
    executions; or one that takes 5 % and more of all time by itself, at 1 ms and more each, when that is five times what
    the database takes for its quickest statement. Statements that run once per row, or again with the same parameters, are others' business. In
    a database's log the server's own durations are judged in the same way, without their waits for locks.

    **Why it hurts.** The database reads far more rows than it gives: without an index it reads the whole table, and the
    time grows with it.

    **Before**

        SELECT id FROM orders WHERE email = ?            -- reads 200,000 rows

    **After**

        CREATE INDEX orders_email ON orders (email);

    **When to ignore it.** The plan is the best there is, and the answer cannot be prepared or kept.
    """

    name: ClassVar[str] = "slow-query"
    summary: ClassVar[str] = "a statement takes long each time"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        if is_log(view):
            yield from taking_long(
                view, self.name, {group.text: _advice(group, plan_of(view, group.text)) for group in groups(view)}
            )
            return
        require_timed(view)
        in_loops = {id(group) for loop in read_loops(view) for group in loop.groups}
        for group in groups(view):
            if id(group) in in_loops or not _searches(group):
                continue
            each = _each(group)
            slow = each >= SLOW + PER_ROW * group.rows_each
            notable = each >= max(NOTABLE, _least(view, group)) + PER_ROW * group.rows_each
            if slow or (notable and view.share(group.seconds) >= MUCH):
                yield self._candidate(view, group, each, 0.01 if slow else MUCH)

    def _candidate(self, view: View, group: Group, each: float, least: float) -> Candidate:
        plan = plan_of(view, group.text)
        seen = seen_in(plan) if plan is not None else None
        often = "in this run" if view.analysis.kind == "script" else "in a request that runs it"
        rows = f", {units.count(group.rows_each)} rows each" if group.rows is not None else ""
        times = group.count if view.analysis.kind == "script" else group.per_request
        longest = max(use.percentiles[3] for use in group.uses)
        most = f"; the longest took {units.seconds(longest)}" if longest > each else ""
        return Candidate(
            rule=self.name,
            title=f"A query of {group.table or 'the database'} takes {units.seconds(each)} each time",
            claim=claim_of(view, group.uses),
            where=group.place,
            evidence=(
                Evidence(f"{group.shown(100)}.", group.text, "", n=group.count, where=group.place),
                Evidence(
                    f"{units.count(group.count)} executions, {_times(times)} {often}{rows}{most}.",
                    each,
                    "seconds",
                    n=group.count,
                ),
                *([seen] if seen is not None else []),
            ),
            advice=Advice(_advice(group, plan)),
            confidence=Confidence(
                "high" if group.count >= 5 else "medium",
                f"{units.count(group.count)} executions were timed; "
                + ("their plan names no index that would help" if plan else "their plan was not looked at"),
            ),
            least=least,
            basis="timed",
            detail=sqltext.fingerprint_id(group.text)[:8],
        )


def _times(value: float) -> str:
    return f"{value:.1f}" if value < 10 and round(value, 1) != round(value) else units.count(value)


def _searches(group: Group) -> bool:
    if _LOCKS.search(group.text) or _SEARCHES.search(group.text) is None:
        return False
    return group.is_read() or (group.is_write() and (" where " in group.text or " select " in group.text))


def _each(group: Group) -> float:
    """The median of one execution, and what reading its rows takes: SQLite searches while rows are read."""
    use = max(group.uses, key=lambda use: use.count)
    return use.percentiles[0] + use.fetch / max(1, use.count)


def _least(view: View, group: Group) -> float:
    """Several round trips, as the quickest statement of the same database tells; SQLite has none."""
    if group.system == "sqlite":
        return NOTABLE
    quickest = {
        kind: [
            use.percentiles[0]
            for use in view.analysis.uses
            if use.kind == kind and use.system == group.system and use.text != group.text and use.count >= 5
        ]
        for kind in ("sql", "transaction")
    }
    if quickest["sql"]:
        return ROUND_TRIPS * min(quickest["sql"])
    return min(SLOW, OF_ENDINGS * min(quickest["transaction"])) if quickest["transaction"] else SLOW


def _advice(group: Group, plan: Plan | None = None) -> str:
    if plan is not None and (plan.remarks or _LIKE.search(group.text)):
        like = (
            [_PATTERN] if _LIKE.search(group.text) and not any("pattern" in remark for remark in plan.remarks) else []
        )
        return "; ".join([*(remark.rstrip(".") for remark in plan.remarks), *like])
    explain = "EXPLAIN …" if group.is_write() else _EXPLAIN.get(group.system, "EXPLAIN …")
    columns = compared_in(group.text, group.system)
    if group.is_write() and columns == ["id"]:
        wal = "; `PRAGMA journal_mode = WAL` lets others read meanwhile" if group.system == "sqlite" else ""
        return (
            "it finds its row by the key: what takes long is writing to disk, or waiting for others that write. Do it behind "
            f"the response, or collect several and write them in one transaction{wal}"
        )
    where = f" on {group.table} ({', '.join(columns)})" if columns and group.table else " on what it compares"
    if plan is not None:
        return "no index helps: ask for fewer rows, for a prepared answer (a summary table, a cache), or less often"
    return f"look at its plan (`{explain}`): if it reads the whole table, an index{where} is missing"


def compared_in(text: str, system: str) -> list[str]:
    """The columns of an index for a statement on one table, at most three: those that are equal to a value first, then one that is
    in a range of values."""
    uses = predicates(text, system)
    if len(uses) != 1 or not uses[0].alone:
        return []
    plain = [one for one in uses[0].comparisons if not one.expression and not one.computes]
    by_kind = {kind: [one.column for one in plain if one.kind == kind] for kind in ("equal", "in", "range")}
    return list(dict.fromkeys((*by_kind["equal"], *by_kind["in"], *by_kind["range"][:1])))[:3]
