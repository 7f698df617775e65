"""Steps of a plan that sort or hash more than fits in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, planned
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.plan import Plan
from perfkit.shared import planbadges, units


class SortSpill:
    """A step of a statement's plan sorts or hashes on disk.

    **What it sees.** A plan that was run (`--analyze`, or logged by auto_explain) with an external sort, a hash in several
    batches, or temporary blocks written.

    **Why it hurts.** What does not fit in memory is written and read again, once or several times.

    **Before**

        Sort Method: external merge  Disk: 41,216kB

    **After**

        CREATE INDEX ON event (created_at);      -- already sorted, and a LIMIT stops early

    **When to ignore it.** It runs once a night.
    """

    name: ClassVar[str] = "sort-spill"
    summary: ClassVar[str] = "a step of a plan sorts or hashes on disk"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, plan in planned(view):
            spills = planbadges.sort_spills(plan)
            if spills:
                yield self._candidate(view, statement, plan, max(spills, key=lambda badge: badge.share or 0.0))

    def _candidate(self, view: View, statement: Statement, plan: Plan, badge: planbadges.Badge) -> Candidate:
        node = plan.root.at(badge.node)
        keys = next((text for kind, text in node.conditions if kind in ("sort", "group")), "")
        size = f" {units.size(node.spilled)}" if node.spilled else ""
        return Candidate(
            rule=self.name,
            title=f"{statement.table or 'A statement'}: its {node.kind} needs{size} more memory than it has, and goes to disk",
            claim=statement.claim(view, badge.share if badge.share is not None else 1.0),
            where=statement.where,
            evidence=(statement.cited(), Evidence(f"{node.kind}: {badge.text}.", node.spilled or 0, "bytes")),
            advice=Advice(_advice(plan, keys, node.spilled)),
            saves=(0.2, 0.8),
            confidence=Confidence("high", "the database said so when it ran the statement"),
            basis="timed" if plan.analyzed else "modelled",
            detail=statement.id,
        )


def _advice(plan: Plan, keys: str, spilled: int | None) -> str:
    index = f"an index on what it sorts by ({keys}) with a LIMIT" if keys else "an index on what it sorts or groups by"
    memory = (
        f"work_mem = '{max(8, round(3 * (spilled or 0) / 2**20))}MB'"
        if plan.system == "postgresql"
        else "sort_buffer_size"
    )
    return f"select fewer rows and columns before this step, or spare it: {index}; else set {memory} for this statement alone"
