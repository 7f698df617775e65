"""Memory that grows outside of Python's objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings import kept_containers as kept
from perfkit.findings.interface import MemoryCause, NotRunError, View
from perfkit.findings.memory_leak import endpoint_of
from perfkit.findings.memory_list import memory_of
from perfkit.findings.native_growth_heaps import heaps
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import HeapGrowth, ProcessMemory
from perfkit.shared import units

# Of a process's growth: what small objects, containers and free memory do not explain.
_NATIVE = 0.7
# Bytes for each small object that comes with them: below this it is Python that keeps the memory.
_ALONE = 1 << 20
# Bytes that it grew by while it was measured. What malloc did not hand out may be pages that are touched for the first time.
_LEAST = 2 << 20
_LEAST_ELSEWHERE = 16 << 20
_HANDED_OUT = 0.5


class NativeGrowth:
    """A server's memory grows with its requests, and not in Python's objects.

    **What it sees.** With --memory: a process grows without a plateau, as `memory-leak` has it; the interpreter's own account of small
    objects does not grow along, no container that was looked through explains it, and neither does what malloc keeps free. More
    than 70 % of the growth is then outside: in a C extension, a C library, or in single objects of more than 512 bytes (bytes, large
    strings, arrays) that nothing which was looked through holds. It is reported from 2 MB of growth on; from 16 MB on where malloc has
    handed out no more meanwhile.

    **Why it hurts.** The process grows until it is killed, and no tool for Python's objects shows what with.

    **Before**

        handle = lib.image_open(path)         # the library allocates
        return lib.image_size(handle)

    **After**

        handle = lib.image_open(path)
        try:
            return lib.image_size(handle)
        finally:
            lib.image_close(handle)

    `memray run --native` names the line of C that allocates what is left.

    **When to ignore it.** A library fills a cache of its own, with a limit that this run did not reach (SQLite's pages, fonts,
    compiled expressions): measure for longer, a cache ends in a plateau.
    """

    name: ClassVar[str] = "native-growth"
    summary: ClassVar[str] = "memory grows with the requests, outside of Python's objects"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        growths = {heap.process: heap.growth for heap in heaps(view) if heap.growth is not None}
        if not growths:
            raise NotRunError("the target's interpreter or its C library does not tell what it has handed out")
        told = sum(map(kept.pace, kept.growing(view)))
        found = [
            (process, growth)
            for process in memory_of(view).processes
            if (growth := growths.get(process.process)) is not None
            and kept.is_growing(process)
            and process.requests >= kept.LEAST_REQUESTS
        ]
        slopes = sum(process.trend.slope for process, _ in found if process.trend is not None)
        native = sum(_outside(process, growth) for process, growth in found) - told
        if found and native > _NATIVE * slopes and _is_much(found, native):
            yield self._cause([process for process, _ in found], [growth for _, growth in found], native)

    def _cause(self, processes: list[ProcessMemory], growths: list[HeapGrowth], pace: float) -> MemoryCause:
        requests = max(1, sum(process.requests for process in processes))
        seconds = max(process.trend.seconds for process in processes if process.trend is not None)
        slope = sum(process.trend.slope for process in processes if process.trend is not None)
        small = sum(growth.small for growth in growths)
        used = sum(growth.used for growth in growths)
        endpoint, each = endpoint_of(processes)
        by = f" by {endpoint}" if endpoint else ""
        claims = [
            Evidence(
                f"{_named(processes)} grew by {units.size(slope)} a second over {seconds:.0f} s, without a "
                f"plateau; Python's small objects by {units.size(max(0.0, small))}, what malloc has handed out by "
                f"{units.size(max(0.0, used))}.",
                pace,
                "bytes",
                n=requests,
            )
        ]
        if endpoint:
            claims.append(Evidence(f"A request of {endpoint} leaves {units.size(each)} behind.", each, "bytes"))
        grown = int(pace * seconds)
        return MemoryCause(
            rule=self.name,
            title=f"A leak outside of Python's objects, or a cache larger than {units.size(grown)}: {units.size(grown / requests)} for "
            f"each request{by}",
            bytes=grown,
            where=None,
            evidence=tuple(claims),
            advice=Advice(
                "look at what the route hands to C extensions and C libraries: handles, buffers and documents that must be closed or "
                "freed; `memray run --native` names the line that allocates; gunicorn --max-requests bounds it until then"
            ),
            confidence=Confidence(
                "medium", "Python's small objects do not grow along; a library's own cache looks the same at first"
            ),
            pace=pace,
            per_request=grown / requests,
            endpoint=endpoint,
            detail="process",
        )


def _is_much(found: list[tuple[ProcessMemory, HeapGrowth]], pace: float) -> bool:
    seconds = max(process.trend.seconds for process, _ in found if process.trend is not None)
    used = sum(max(0.0, growth.used) for _, growth in found)
    return pace * seconds >= (_LEAST if used >= _HANDED_OUT * pace else _LEAST_ELSEWHERE)


def _named(processes: list[ProcessMemory]) -> str:
    return f"Process {processes[0].pid}" if len(processes) == 1 else units.plural(len(processes), "process")


def _outside(process: ProcessMemory, growth: HeapGrowth) -> float:
    """Bytes a second that neither small objects nor free memory explain; 0 where small objects come with them."""
    slope = process.trend.slope if process.trend is not None else 0.0
    rest = slope - max(0.0, growth.small) - max(0.0, growth.loose) - max(0.0, growth.kept)
    return 0.0 if growth.blocks * _ALONE > rest else rest
