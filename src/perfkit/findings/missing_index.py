"""Tables that are read whole, or nearly, where an index would lead to the few rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, planned
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.plan import IndexAdvice, Plan
from perfkit.shared import units

# An index that was tried and saves less of the planner's cost is not worth its keep.
LEAST_SAVED: Final = 0.3
# What an index that nothing could try is expected to save: it depends on the values.
UNTRIED: Final = (0.3, 0.95)
# The planner's cost is not time: what it promises is expected within these bounds.
_DOUBT: Final = 0.6


class MissingIndex:
    """A statement reads far more rows than it needs, and an index would lead to them.

    **What it sees.** A plan whose scan reads a table of 1,000 rows and more and throws most of them away, or reads far more
    of it than it gives, with columns compared or sorted by for which no index is there. On PostgreSQL with the extension
    hypopg, and on SQLite, the index was tried without being made: then the planner's cost before and after is known.

    **Why it hurts.** The time grows with the table, not with the answer; and what is read pushes other pages out of memory.

    **Before**

        SELECT id FROM orders WHERE customer_id = 7      -- reads 200,000 rows, keeps 12

    **After**

        CREATE INDEX CONCURRENTLY ON orders (customer_id);

    **When to ignore it.** The table is written far more often than this statement runs; or most rows fit the condition.
    """

    name: ClassVar[str] = "missing-index"
    summary: ClassVar[str] = "a table is read whole where an index would lead to the few rows"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, plan in planned(view):
            advice = _best(plan)
            if advice is not None:
                yield self._candidate(view, statement, plan, advice)

    def _candidate(self, view: View, statement: Statement, plan: Plan, advice: IndexAdvice) -> Candidate:
        columns = ", ".join(advice.columns)
        return Candidate(
            rule=self.name,
            title=f"{advice.table} has no index on ({columns}), which this statement needs",
            claim=statement.claim(view),
            where=statement.where,
            evidence=tuple(_evidence(statement, plan, advice)),
            advice=Advice(_text(advice)),
            saves=_saves(advice),
            confidence=_confidence(plan, advice),
            basis="timed",
            detail=statement.id,
        )


def _best(plan: Plan) -> IndexAdvice | None:
    """The first that was tried and helps, else the first that nothing could try."""
    tried = [advice for advice in plan.advice if advice.verified is not None]
    good = [advice for advice in tried if (saved(advice) or 0.0) >= LEAST_SAVED]
    if good:
        return max(good, key=lambda advice: saved(advice) or 0.0)
    return next((advice for advice in plan.advice if advice.verified is None), None)


def saved(advice: IndexAdvice) -> float | None:
    """The share of the planner's cost that it saves, None where it was not tried or there is no cost."""
    if advice.cost_before is None or advice.cost_after is None or not advice.cost_before:
        return 1.0 if advice.verified is not None and advice.cost_before is None else None
    return max(0.0, 1.0 - advice.cost_after / advice.cost_before)


def _saves(advice: IndexAdvice) -> tuple[float, float]:
    share = saved(advice) if advice.verified is not None else None
    if share is None or advice.cost_before is None:
        return UNTRIED
    return share * _DOUBT, share


def _evidence(statement: Statement, plan: Plan, advice: IndexAdvice) -> Iterator[Evidence]:
    yield statement.cited()
    yield Evidence(advice.reason[:1].upper() + advice.reason[1:], plan.tables.get(advice.table, 0), "rows")
    if advice.verified is not None and advice.cost_before is not None and advice.cost_after is not None:
        yield Evidence(
            f"With it the planner's cost falls from {advice.cost_before:,.0f} to {advice.cost_after:,.0f} ({advice.verified}).",
            advice.cost_after,
            "",
        )
    elif advice.verified is not None:
        yield Evidence(f"With it the planner takes the index ({advice.verified}).", 1, "")
    kept = [advice.writes] if advice.writes else []
    if advice.bytes is not None:
        kept.append(f"it takes about {units.size(advice.bytes)}")
    if kept:
        yield Evidence(f"What it costs: {'; '.join(kept)}.", advice.bytes or 0, "bytes")


def _text(advice: IndexAdvice) -> str:
    text = advice.ddl
    if advice.replaces:
        text += f" — it does the work of {', '.join(advice.replaces)}, which can go then"
    return text if advice.verified is not None else f"{text} — it was not tried: look at the plan again on a copy"


def _confidence(plan: Plan, advice: IndexAdvice) -> Confidence:
    if advice.verified is not None:
        return Confidence("high", f"the planner takes the index, as {advice.verified} shows")
    if plan.analyzed:
        return Confidence("medium", "rows were counted by running the statement; the index was not tried")
    return Confidence("low", "the plan is an estimate and the index was not tried")
