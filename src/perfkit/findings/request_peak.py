"""Lines that take much memory at once and give it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, View, place
from perfkit.findings.memory_list import memory_of
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import Jump
from perfkit.model.recording import Frame, Stack
from perfkit.shared import units
from perfkit.shared.naming import code_name
from perfkit.shared.origin import PROBE, ROUTE

# Of what a script has at its peak: smaller ones are its work.
_LEAST_OF_SCRIPT = 0.25
# Of a server: what happens once in all its requests, and is smaller, is the allocator at work.
_LARGE = 64 << 20


class RequestPeak:
    """One line takes 16 MB or more within a moment.

    **What it sees.** With --memory: resident memory is read fifty times a second; when it rises by 16 MB within 0.3 seconds, the stack
    of that moment is taken. Jumps of one line are one finding.

    **Why it hurts.** The process must have room for its highest peak, times the requests that run at once, and the allocator
    seldom gives all of it back.

    **Before**

        rows = [as_dict(row) for row in cursor.fetchall()]
        return csv_of(rows)

    **After**

        return StreamingResponse(csv_line(row) for row in cursor)

    **When to ignore it.** A job that may have the memory, and runs alone.
    """

    name: ClassVar[str] = "request-peak"
    summary: ClassVar[str] = "one line takes much memory at once"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory = memory_of(view)
        groups: defaultdict[tuple[str, str], list[tuple[Jump, Frame, Stack]]] = defaultdict(list)
        highest = max((process.peak for process in memory.processes), default=0)
        server = view.analysis.kind == "server"
        for jump in memory.jumps:
            frames = view.analysis.stacks.expand(jump.stack)
            if not frames or (not server and jump.taken < _LEAST_OF_SCRIPT * highest):
                continue
            if server and view.handled(frames) == 0:
                continue  # start-up, or what no request asked for
            frame = view.deciding(frames, len(frames))
            if frame is not None:
                groups[frame.file, frame.function].append((jump, frame, frames))
        for found in groups.values():
            if len(found) > 1 or not server or found[0][0].taken >= _LARGE:
                yield self._cause(found)

    def _cause(self, found: list[tuple[Jump, Frame, Stack]]) -> MemoryCause:
        jump, frame, frames = max(found, key=lambda one: one[0].taken)
        route = next(
            (f.function[len(ROUTE) :] for f in frames if f.file == PROBE and f.function.startswith(ROUTE)), None
        )
        looks = sum(one.looks for one, _, _ in found)
        claim = (
            f"{units.plural(len(found), 'jump')} of up to {units.size(jump.taken)}, from {units.size(jump.before)} to "
            f"{units.size(jump.peak)}; {units.plural(looks, 'look')} at the stack found this line."
        )
        return MemoryCause(
            rule=self.name,
            title=f"{code_name(frame.function, frame.file)} takes {units.size(jump.taken)} at once",
            bytes=jump.taken,
            where=place(frame),
            evidence=(Evidence(claim, jump.taken, "bytes", n=looks),),
            advice=Advice(
                "work through it piece by piece: iterate over the cursor or file, stream the response, page the query; "
                "keep only what is sent"
            ),
            confidence=Confidence("high" if looks > 1 else "medium", "the stack was taken while the memory was rising"),
            endpoint=route,
        )
