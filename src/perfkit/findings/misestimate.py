"""Plans that were made for a few rows and met many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, planned
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.plan import Plan
from perfkit.shared import planbadges, units


class Misestimate:
    """The planner expected far fewer rows than came, and chose a way that does not suit so many.

    **What it sees.** A plan that was run (`--analyze`, or logged by auto_explain), in which a step gave ten times as many rows as
    expected and more, below a join row by row or a sort that went to disk.

    **Why it hurts.** For 3 rows it is right to look up each by itself, for 30,000 it is not: the join, the order of the tables and
    the memory were all chosen for the wrong number.

    **Before**

        SELECT … FROM orders WHERE status = 'open' AND region = 'north'     -- expects 12 rows, gets 40,000

    **After**

        CREATE STATISTICS (dependencies, mcv) ON status, region FROM orders;
        ANALYZE orders;

    **When to ignore it.** The wrong number changes nothing: the same plan would be chosen for the right one.
    """

    name: ClassVar[str] = "misestimate"
    summary: ClassVar[str] = "a plan was made for a few rows and met many"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, plan in planned(view):
            harmful = [badge for badge in planbadges.misestimates(plan) if badge.factor > 1 and _matters(plan, badge)]
            if harmful:
                yield self._candidate(view, statement, plan, max(harmful, key=lambda badge: badge.factor))

    def _candidate(self, view: View, statement: Statement, plan: Plan, badge: planbadges.Badge) -> Candidate:
        node = plan.root.at(badge.node)
        table = node.relation or statement.table or "A statement"
        return Candidate(
            rule=self.name,
            title=f"{table}: {units.count(badge.factor)} times more rows came than were planned for",
            claim=statement.claim(view),
            where=statement.where,
            evidence=(statement.cited(), Evidence(f"{node.kind}: {badge.text}.", badge.factor, "times")),
            advice=Advice(_advice(plan, table)),
            confidence=Confidence(
                "medium", "rows were counted by running it; what another plan would take is not known"
            ),
            basis="timed",
            detail=statement.id,
        )


def _matters(plan: Plan, badge: planbadges.Badge) -> bool:
    """Whether a choice was made with the wrong number: a join row by row above it, or memory that did not suffice."""
    if planbadges.sort_spills(plan):
        return True
    above = (plan.root.at(badge.node[:depth]) for depth in range(len(badge.node)))
    return any(planbadges.is_row_by_row(node) for node in above)


def _advice(plan: Plan, table: str) -> str:
    if plan.system == "postgresql":
        return (
            f"ANALYZE {table}; where several of its columns are compared, CREATE STATISTICS on them together; where one is skewed, "
            "ALTER TABLE … ALTER COLUMN … SET STATISTICS 1000"
        )
    if plan.system == "sqlite":
        return "run ANALYZE: without its statistics the planner guesses"
    return f"ANALYZE TABLE {table}; with a histogram where values are skewed (ANALYZE TABLE … UPDATE HISTOGRAM, or PERSISTENT FOR ALL)"
