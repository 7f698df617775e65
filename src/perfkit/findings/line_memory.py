"""Lines that take much memory, as an engine inside the target measured them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, NotRunError, View
from perfkit.findings.memory_list import memory_of
from perfkit.model.finding import Advice, Confidence, Evidence, Place
from perfkit.model.memory import LineBytes
from perfkit.shared import units
from perfkit.shared.naming import code_name
from perfkit.shared.origin import Origins

_LEAST = 4 << 20
# Of what its process has at most.
_LEAST_SHARE = 0.05
_MOST = 10
_LINES = 3
_ADVICE = (
    "work through it piece by piece: iterate over the cursor or file, page the query, stream what is sent; keep what is used, "
    "as columns or arrays rather than objects where there are many"
)


class LineMemory:
    """A line of the project takes much of the memory.

    **What it sees.** With `--engine memory-profiler`: resident memory before and after each line, without what the line called.
    With `--engine memray`: the allocations that stood when most memory was in use. The lines of a function are one finding.

    **Why it hurts.** The process must have room for it, times the processes and requests that run at once.

    **Before**

        rows = [as_dict(row) for row in cursor.fetchall()]
        return csv_of(rows)

    **After**

        return StreamingResponse(csv_line(row) for row in cursor)

    **When to ignore it.** A job that may have the memory, and runs alone; a cache that is meant to be there.
    """

    name: ClassVar[str] = "line-memory"
    summary: ClassVar[str] = "a line takes much of the memory"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory = memory_of(view)
        if not memory.lines:
            raise NotRunError("bytes of lines were not measured: --engine memray")
        highest = max((process.peak for process in memory.processes), default=0)
        least = max(_LEAST, _LEAST_SHARE * highest)
        groups: defaultdict[tuple[str, str], list[LineBytes]] = defaultdict(list)
        for row in memory.lines:
            groups[row.file, row.function].append(row)
        causes = [self._cause(view, sorted(rows, key=lambda row: -row.peak)) for rows in groups.values()]
        causes.sort(key=lambda cause: -cause.bytes)
        yield from [cause for cause in causes if cause.bytes >= least][:_MOST]

    def _cause(self, view: View, rows: Sequence[LineBytes]) -> MemoryCause:
        first = rows[0]
        logged = any(row.stack for row in rows)
        # What stood at one moment adds up; what lines took one after the other may be the same bytes.
        size = sum(row.peak for row in rows) if logged else first.peak
        origin = Origins(view.analysis.run.project).of(first.file)
        claims = [
            Evidence(_claim(row, logged), row.peak, "bytes", n=row.hits)
            for row in rows[:_LINES]
            if row.peak > size / 20
        ]
        why = (
            "every allocation was logged"
            if logged
            else "resident memory was read before and after the line; what other threads took meanwhile is in it"
        )
        return MemoryCause(
            rule=self.name,
            title=f"{code_name(first.function, first.file)} takes {units.size(size)}",
            bytes=size,
            where=Place(first.file, first.line, first.function, origin),
            evidence=tuple(claims),
            advice=Advice(_ADVICE),
            confidence=Confidence("high" if logged else "medium", why),
        )


def _claim(row: LineBytes, logged: bool) -> str:
    if logged:
        return f"{units.plural(row.hits, 'allocation')} of line {row.line} held {units.size(row.peak)} at the highest moment."
    whole = "" if row.bytes == row.peak else f", {units.size(row.bytes)} in {units.plural(row.hits, 'run')}"
    return f"Line {row.line} took {units.size(row.peak)} at once{whole}."
