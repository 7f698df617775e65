"""Findings room: heaps as the rules about them see them, and which line took what a heap still has."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.findings.interface import NotRunError, View
from perfkit.findings.memory_list import memory_of
from perfkit.model.growth import HeapUse
from perfkit.model.recording import Frame
from perfkit.shared import units

SCRIPT = "a script that ends gives back what it took"
# Below this nothing that a server keeps is worth a word.
LEAST = 64 << 20


def heaps(view: View) -> tuple[HeapUse, ...]:
    """Those of a server. Raises NotRunError where there is none that was looked at for long enough."""
    memory = memory_of(view)
    if view.analysis.kind != "server":
        raise NotRunError(SCRIPT)
    if not memory.heaps:
        raise NotRunError(
            "no heap was looked at from inside for 12 s: launch the server, and measure for longer (-d 30)"
        )
    return memory.heaps


def taker(view: View, found: Sequence[HeapUse], least: int) -> Frame | None:
    """The line that took at least half of so much at once in one of the processes."""
    processes = {heap.process for heap in found}
    memory = memory_of(view)
    jumps = [jump for jump in (*memory.jumps, *memory.early) if jump.process in processes and jump.taken >= least / 2]
    for jump in sorted(jumps, key=lambda jump: -jump.taken):
        frames = view.analysis.stacks.expand(jump.stack)
        frame = view.deciding(frames, len(frames)) if frames else None
        if frame is not None:
            return frame
    return None


def processes(found: Sequence[HeapUse]) -> str:
    """`process 811`, `each of 4 processes`."""
    return f"process {found[0].pid}" if len(found) == 1 else f"each of {units.plural(len(found), 'process')}"
