"""Joins that look the second table up again for each of many rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, planned
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.plan import Plan, PlanNode
from perfkit.shared import planbadges, units


class NestedLoopBlowup:
    """A join goes through its second table again for each row of the first.

    **What it sees.** A nested loop of 1,000 rounds and more in which half of the plan's time, or of its cost, is spent on the
    inner side.

    **Why it hurts.** Its time is the product of two sizes: twice the rows on both sides take four times as long.

    **Before**

        SELECT … FROM orders JOIN item ON item.order_id = orders.id      -- item read whole, 1,000 times

    **After**

        CREATE INDEX ON item (order_id);

    **When to ignore it.** The inner side is one row by its key, and the number of rounds is what was asked for.
    """

    name: ClassVar[str] = "nested-loop-blowup"
    summary: ClassVar[str] = "a join reads its second table again for each row"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, plan in planned(view):
            blowups = planbadges.blowups(plan)
            if blowups:
                yield self._candidate(view, statement, plan, max(blowups, key=lambda badge: badge.share or 0.0))

    def _candidate(self, view: View, statement: Statement, plan: Plan, badge: planbadges.Badge) -> Candidate:
        inner = plan.root.at((*badge.node, 1))
        return Candidate(
            rule=self.name,
            title=f"{_named(inner)} is read again for each of {units.count(badge.factor)} rows",
            claim=statement.claim(view, badge.share if badge.share is not None else 1.0),
            where=statement.where,
            evidence=(statement.cited(), Evidence(f"{badge.text}.", badge.factor, "rounds")),
            advice=Advice(
                "give the join an index on the inner table's column, or fewer rows on the outer side (a narrower condition, a "
                "LIMIT in a subquery); where the planner expected few rows, its statistics are old: ANALYZE"
            ),
            saves=(0.3, 0.95),
            confidence=Confidence(
                "high" if plan.analyzed else "medium",
                "rounds were counted by running it" if plan.analyzed else "the rounds are the planner's estimate",
            ),
            basis="timed" if plan.analyzed else "modelled",
            detail=statement.id,
        )


def _named(inner: PlanNode) -> str:
    """The table of the inner side, wherever it stands below."""
    return next((node.relation for _, node in inner.walk() if node.relation), inner.kind)
