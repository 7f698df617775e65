"""Collections of garbage that walk through many objects and find few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, View, place
from perfkit.findings.native_growth_heaps import heaps, processes
from perfkit.findings.reference_cycles import cost_time
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import HeapUse
from perfkit.model.recording import Frame
from perfkit.shared import units

_SHARE = 0.05
_PAUSES = 3
# A collection walks some ten million of them a second: fewer do not take 50 ms, whatever the clock says.
_BLOCKS = 300_000
_SMALL = 64
# The seconds of collections that the list of seconds tells already.
_TOLD = 0.5


class GcThrash:
    """A server's collections of garbage take time and find little: they walk through what lives for ever.

    **What it sees.** With --memory: the seconds of all collections, timed in the process itself. It is reported from 5 % of the time
    on, or where three pauses or more took 50 ms, in a process with 300,000 objects or more. Where it is what they find that takes the
    time, `reference-cycles` tells; where they stop requests for 10 % of the time, `gc` tells in the list of seconds.

    **Why it hurts.** A collection holds the interpreter lock: nothing else runs. One of the oldest generation walks through every
    object that can hold others, and after a fork it writes to their pages, which workers then no longer share.

    **Before**

        app = create_app()          # models, caches, tables: walked through by each full collection

    **After**

        app = create_app()
        gc.collect()
        gc.freeze()                 # what lives now is not walked through again
        gc.set_threshold(50_000, 20, 20)

    **When to ignore it.** Pauses are short against the time that a request may take.
    """

    name: ClassVar[str] = "gc-thrash"
    summary: ClassVar[str] = "collections of garbage take time and find little"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        found = [heap for heap in heaps(view) if _thrashes(heap)]
        if found and not _is_told(view):
            yield self._cause(view, found)

    def _cause(self, view: View, found: Sequence[HeapUse]) -> MemoryCause:
        most = max(found, key=lambda heap: heap.gc_share)
        walked = most.small if most.small is not None else _SMALL * most.blocks
        frame = _line(view)
        claim = (
            f"Collections took {units.share(most.gc_share)} of {most.seconds:.0f} s in process {most.pid} (longest "
            f"{units.seconds(most.longest)}, {units.plural(most.full, 'full one')}) and found {units.count(most.collected)} objects a "
            f"second, among {units.count(most.blocks)} that live."
        )
        return MemoryCause(
            rule=self.name,
            title=f"Collections walk through {units.count(most.blocks)} objects to find few in {processes(found)}",
            bytes=sum(heap.small if heap.small is not None else _SMALL * heap.blocks for heap in found),
            where=place(frame) if frame is not None else None,
            evidence=(Evidence(claim, round(most.gc_share, 4), "share", n=most.looks),),
            advice=Advice(
                f"call gc.collect() and gc.freeze() when the application is loaded: its {units.size(walked)} are not walked through "
                "again (with gunicorn --preload before it forks: workers then share them); gc.set_threshold(50_000, 20, 20) makes "
                "collections rarer"
            ),
            confidence=Confidence("high", "every collection was timed in the process itself"),
            share=most.gc_share,
            detail="" if frame is not None else "process",
        )


def _thrashes(heap: HeapUse) -> bool:
    if heap.blocks < _BLOCKS or cost_time(heap):
        return False
    return heap.gc_share >= _SHARE or heap.pauses >= _PAUSES


def _is_told(view: View) -> bool:
    uses = [use for use in view.analysis.uses if use.kind == "gc"]
    told = sum(use.seconds * (1.0 - view.left.get(use.stack, 1.0)) for use in uses)
    return told > _TOLD * sum(use.seconds for use in uses)


def _line(view: View) -> Frame | None:
    """The project's line that most collections came upon, where they came upon one for half of their time."""
    spent: defaultdict[Frame, float] = defaultdict(float)
    uses = [use for use in view.analysis.uses if use.kind == "gc"]
    for use in uses:
        frames = [frame for frame in view.analysis.stacks.expand(use.stack) if frame.origin == "app"]
        if frames:
            spent[frames[-1]] += use.seconds
    most = max(spent, key=lambda frame: spent[frame], default=None)
    return most if most is not None and spent[most] >= 0.5 * sum(use.seconds for use in uses) else None
