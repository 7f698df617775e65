"""Memory that each request takes from the system and gives back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, NotRunError, View, place
from perfkit.findings.memory_leak import one_of
from perfkit.findings.memory_list import memory_of
from perfkit.findings.native_growth_heaps import SCRIPT
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import ProcessMemory
from perfkit.model.recording import Frame
from perfkit.shared import units

_EACH = 1 << 20  # bytes a request
_REQUESTS = 100
_TIMES_PEAK = 20
# Of the process's CPU time. A page costs the kernel from 0.1 to 3 µs, with the machine.
_SHARE = 0.10
_PAGE_SECONDS = 3e-6
_PAGE = 4096
_MOST = 0.5
_NEARLY_ALL = 0.9


class AllocationChurn:
    """Each request of a server takes memory from the system and gives it back.

    **What it sees.** With --memory: the pages that the kernel gives to a process, and the time that it works for it. It is reported where
    they come to 1 MB for each request, 20 times the process's peak in all, and 10 % of its CPU time. Objects that Python or malloc
    use again take no new pages, and are not meant.

    **Why it hurts.** Each page is looked for, zeroed and put into the page table, and taken out again, in the request's time; with
    threads they wait for one another meanwhile.

    **Before**

        body = b"".join([encode(row) for row in rows])       # 8 MB of pieces, 8 MB of body, in each request

    **After**

        def body():
            for row in rows:
                yield encode(row)                             # one piece at a time, the same room again

    Or let malloc keep the room between requests: `MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_TOP_PAD_=67108864` in the environment.

    **When to ignore it.** The memory is what matters, and CPU time is free.
    """

    name: ClassVar[str] = "allocation-churn"
    summary: ClassVar[str] = "each request takes memory from the system and gives it back"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory = memory_of(view)
        if view.analysis.kind != "server":
            raise NotRunError(SCRIPT)
        found = [process for process in memory.processes if _churns(process)]
        if found:
            yield self._cause(view, found)

    def _cause(self, view: View, found: Sequence[ProcessMemory]) -> MemoryCause:
        given = sum(_given(process) for process in found)
        requests = sum(process.requests for process in found)
        share = sum(map(_cost, found)) / sum(process.cpu for process in found)
        peak = max(process.peak for process in found)
        endpoint, each = one_of([process.given_by_endpoint for process in found], _EACH)
        frame, carried, by_line = _line(view)
        endpoint = endpoint or by_line
        mean = each or given / (requests * _part(view, by_line))
        claims = [
            Evidence(
                f"{units.size(given)} of pages in {units.plural(requests, 'request')}, {given / peak:.0f} times the peak of "
                f"{units.size(peak)}; giving them takes about {units.share(share)} of the CPU time.",
                given,
                "bytes",
                n=requests,
            )
        ]
        if frame is not None:
            claims.append(
                Evidence(
                    f"{units.share(carried)} of the sampled time in requests is at this line.",
                    carried,
                    "share",
                    where=place(frame),
                )
            )
        by = f" of {endpoint}" if endpoint else ""
        return MemoryCause(
            rule=self.name,
            title=f"A request{by} takes {units.size(mean)} from the system and gives it back",
            bytes=int(mean),
            where=place(frame) if frame is not None else None,
            evidence=tuple(claims),
            advice=Advice(
                "make it piece by piece (a generator, an iterator over the cursor, a buffer that is used again); or let malloc keep the room "
                "between requests: MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_TOP_PAD_=67108864 in the server's environment"
            ),
            confidence=Confidence(
                "medium" if frame is None else "high",
                "the kernel counts the pages; what they cost is the kernel's time for the process",
            ),
            share=share,
            endpoint=endpoint,
            detail="" if frame is not None else "process",
        )


def _part(view: View, endpoint: str | None) -> float:
    """Of all requests, those of an endpoint; 1 where none is given."""
    numbers = {found.endpoint: found.requests or 0 for found in view.analysis.endpoints if found.source == "probe"}
    part = numbers.get(endpoint or "", 0)
    return part / sum(numbers.values()) if part else 1.0


def _given(process: ProcessMemory) -> int:
    """Without those of its growth."""
    return max(0, process.given - max(0, process.last - process.first))


def _cost(process: ProcessMemory) -> float:
    """CPU seconds: no more than the kernel worked for the process at all."""
    return min(process.kernel, _given(process) / _PAGE * _PAGE_SECONDS)


def _churns(process: ProcessMemory) -> bool:
    if process.requests < _REQUESTS or not process.cpu:
        return False
    given = _given(process)
    large = given >= _EACH * process.requests and given >= _TIMES_PEAK * process.peak
    return large and _cost(process) >= _SHARE * process.cpu


def _line(view: View) -> tuple[Frame | None, float, str | None]:
    """The project's line where half of the sampled time of requests is, its share, and its endpoint."""
    spent: defaultdict[Frame, float] = defaultdict(float)
    serving: defaultdict[Frame, defaultdict[str | None, float]] = defaultdict(lambda: defaultdict(float))
    whole = 0.0
    for time in view.code:
        if time.state != "running":
            continue
        whole += time.seconds
        frames = view.frames(time)
        frame = view.deciding(frames, len(frames))
        if frame is not None:
            spent[frame] += time.seconds
            serving[frame][time.endpoint] += time.seconds
    if not spent:
        return None, 0.0, None
    most, seconds = max(spent.items(), key=itemgetter(1))
    if seconds < _MOST * whole:
        return None, 0.0, None
    endpoint, by_it = max(serving[most].items(), key=itemgetter(1))
    return most, seconds / whole, endpoint if by_it > _NEARLY_ALL * seconds else None
