"""Statements that sort, hash or collect more than fits in the memory they are allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import units

_FLAGS: Final = ("tmp_table_on_disk", "filesort_on_disk")
# Executions of a statement that went to disk; once in a while does not show in its time.
LEAST: Final = 0.1
# Written and read again, by a slow disk: bytes a second. Sorting on disk takes longer than that alone, but not by orders.
TWICE: Final = 2
RATE: Final = 100e6


class TempFiles:
    """A statement writes temporary files, because it may not use as much memory as it needs.

    **What it sees.** PostgreSQL's log of temporary files (`log_temp_files`), and temporary tables and sorts on disk in MySQL's
    and MariaDB's slow log, in a tenth of a statement's executions at least.

    **Why it hurts.** Rows are written to disk and read again, several times over, where sorting them in memory takes
    a fraction of that.

    **Before**

        SELECT * FROM events ORDER BY created_at         -- sorts 900 MB with work_mem = 4MB

    **After**

        SELECT id, title FROM events ORDER BY created_at LIMIT 50     -- with an index on created_at

    **When to ignore it.** A report at night that may take its time.
    """

    name: ClassVar[str] = "temp-files"
    summary: ClassVar[str] = "a statement sorts or collects on disk"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, digest in logged(view):
            times = max(digest.temp_files, *(digest.flags[flag] for flag in _FLAGS))
            part = min(1.0, times / max(1, digest.time.count))
            if part >= LEAST:
                part = min(part, _most(digest))
                yield self._candidate(view, statement, digest, times, part)

    def _candidate(self, view: View, statement: Statement, digest: Digest, times: int, part: float) -> Candidate:
        each = digest.temp_bytes / digest.temp_files if digest.temp_files else 0.0
        size = f" of {units.size(each)} each" if each else ""
        return Candidate(
            rule=self.name,
            title=f"{statement.table or 'A statement'}: rows are sorted or collected on disk{size}",
            claim=statement.claim(view, part),
            where=statement.where,
            evidence=(
                statement.cited(),
                Evidence(
                    f"{units.plural(times, 'temporary file')}{size} in {units.plural(digest.time.count, 'execution')}.",
                    digest.temp_bytes,
                    "bytes",
                    n=times,
                ),
            ),
            advice=Advice(_advice(digest, each)),
            saves=(0.1, 0.7),
            confidence=Confidence("high", "the server logged each of them; what memory would save was not tried"),
            basis="modelled",
            detail=statement.id,
        )


def _most(digest: Digest) -> float:
    """The share of the statement's time that its files can have cost; 1.0 where their size is not known."""
    if not digest.temp_bytes or not digest.time.total:
        return 1.0
    return min(1.0, TWICE * digest.temp_bytes / RATE / digest.time.seconds)


def _advice(digest: Digest, each: float) -> str:
    first = "select fewer rows and columns before they are sorted or grouped, or sort by an index"
    if digest.system == "postgresql":
        more = (
            f"SET work_mem = '{max(8, round(2 * each / 2**20))}MB' for this statement alone"
            if each
            else "raise work_mem"
        )
        return f"{first}; else {more}: the setting counts once for each sort of each connection"
    return f"{first}; else raise tmp_table_size and max_heap_table_size, or sort_buffer_size, for this statement alone"
