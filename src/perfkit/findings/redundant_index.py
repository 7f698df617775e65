"""Indexes that do nothing which another one does not do as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, require_plans, statements
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.plan import RedundantIndex
from perfkit.shared import units


class RedundantIndexes:
    """A table that is written has an index whose work another index does.

    **What it sees.** The indexes of tables in plans: one whose columns are the first ones of another, of the same kind and
    without being unique; beside statements that write to that table and take 1 % of the time.

    **Why it hurts.** Each write changes each index. One that no statement needs costs as much as one that does, and takes memory
    from those.

    **Before**

        CREATE INDEX a ON orders (customer);
        CREATE INDEX b ON orders (customer, created);

    **After**

        DROP INDEX CONCURRENTLY a;

    **When to ignore it.** The smaller index is read very often, and the larger one is far wider.
    """

    name: ClassVar[str] = "redundant-index"
    summary: ClassVar[str] = "an index does what another one does as well"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        require_plans(view)
        found = {redundant.ddl: redundant for plan in view.analysis.plans for redundant in plan.redundant}
        indexes = {(index.table, index.name) for plan in view.analysis.plans for index in plan.indexes}
        for redundant in found.values():
            table = redundant.index.table
            writes = [one for one in statements(view) if one.is_write and one.table == table]
            if writes:
                kept = sum(1 for of, _ in indexes if of == table)
                yield self._candidate(view, redundant, writes, max(1, kept))

    def _candidate(self, view: View, redundant: RedundantIndex, writes: list[Statement], indexes: int) -> Candidate:
        index = redundant.index
        # A write changes the table and each of its indexes, which cost about the same.
        part = 1 / (indexes + 1)
        claim = {stack: share for one in writes for stack, share in one.claim(view, part).items()}
        size = f", {units.size(index.bytes)}" if index.bytes else ""
        scans = f"; it was read {units.count(index.scans)} times" if index.scans is not None else ""
        return Candidate(
            rule=self.name,
            title=f"{index.table}: index {index.name} does what {redundant.covered_by} does as well",
            claim=claim,
            where=None,
            evidence=(
                Evidence(
                    f"{index.name} ({', '.join(index.columns)}{size}) is covered by {redundant.covered_by}{scans}.",
                    index.bytes or 0,
                    "bytes",
                ),
                Evidence(
                    f"{units.count(sum(one.count for one in writes))} writes keep {units.plural(indexes, 'index')} up to date.",
                    sum(one.count for one in writes),
                    "executions",
                ),
            ),
            advice=Advice(redundant.ddl),
            saves=(0.3, 1.0),
            confidence=Confidence(
                "medium", "both were compared column by column; what a write spends on it is reckoned"
            ),
            basis="modelled",
            detail=index.name,
        )
