"""Memory that a few small objects hold for themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, NotRunError, View, place
from perfkit.findings.native_growth_heaps import LEAST, heaps, processes, taker
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import HeapUse
from perfkit.shared import units

_FULL = 0.25


class Fragmentation:
    """Few small objects hold much memory: Python cannot give back an arena in which one object lives.

    **What it sees.** With --memory: what Python's small objects (up to 512 bytes) take, and the arenas of 1 MB that hold them, by the
    interpreter's own account. It is reported where they fill less than a quarter of their arenas, and 64 MB held nothing at every look
    of the last half.

    **Why it hurts.** A peak of many small objects is freed, but for one in a hundred: the process stays as large as the peak was. Only
    small objects can use the room.

    **Before**

        rows = [parse(line) for line in file]            # a million dicts
        SAMPLE.extend(rows[::100])                       # these live in arenas all over the peak

    **After**

        SAMPLE.extend(copy.deepcopy(rows[::100]))        # made anew, side by side, …
        del rows                                         # … and the arenas of the peak go back

    Or do the work in a process that ends: a task queue, `ProcessPoolExecutor(max_tasks_per_child=…)`, `gunicorn --max-requests`.

    **When to ignore it.** The next peak comes soon, and needs the room again.
    """

    name: ClassVar[str] = "fragmentation"
    summary: ClassVar[str] = "few small objects keep much memory from being given back"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        looked = heaps(view)
        if all(heap.loose is None for heap in looked):
            raise NotRunError(
                "the target's interpreter does not account for small objects (PYTHONMALLOC, or without a lock)"
            )
        found = [
            heap for heap in looked if (heap.loose or 0) >= LEAST and (heap.small or 0) < _FULL * (heap.arenas or 0)
        ]
        if found:
            yield self._cause(view, found)

    def _cause(self, view: View, found: list[HeapUse]) -> MemoryCause:
        most = max(found, key=lambda heap: heap.loose or 0)
        loose, small, arenas = most.loose or 0, most.small or 0, most.arenas or 0
        frame = taker(view, found, loose)
        claim = (
            f"{units.count(most.blocks)} small objects take {units.size(small)} of {units.size(arenas)}: "
            f"{units.size(loose)} or more held nothing at each of {units.plural(most.looks, 'look')} in {most.seconds:.0f} s."
        )
        return MemoryCause(
            rule=self.name,
            title=f"{units.size(small)} of small objects hold {units.size(arenas)} in {processes(found)}",
            bytes=sum(heap.loose or 0 for heap in found),
            where=place(frame) if frame is not None else None,
            evidence=(Evidence(claim, loose, "bytes", n=most.looks),),
            advice=Advice(
                "make what stays anew when the peak is over (copy.deepcopy of the survivors), so that it lies side by side, and "
                f"{units.size(loose)} go back; or do this work in a process that ends (a task queue, gunicorn --max-requests)"
            ),
            confidence=Confidence("high", "the interpreter's own account of its arenas"),
            detail="" if frame is not None else "process",
        )
