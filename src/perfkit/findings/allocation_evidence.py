"""Findings room: lines whose allocations stayed, as tracemalloc saw them, beside what is known of a growth.

They are evidence and no finding: a line that allocates what somebody else keeps is innocent, and free lists put blocks down to lines
that only used them again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from perfkit.findings.interface import MemoryCause, View
from perfkit.model.finding import Evidence, Place
from perfkit.model.growth import LineGrowth
from perfkit.shared import units

_LINES = 2
# Of all bytes by which the project's lines grew; below it a line explains nothing.
_LEAST_SHARE = 0.1
_LEAST = 64 << 10


def with_allocations(view: View, cause: MemoryCause) -> MemoryCause:
    """A cause that goes on growing, with the lines that most of what stays was allocated at."""
    memory = view.analysis.memory
    grown = () if memory is None else tuple(one for one in memory.allocated if one.origin == "app")
    least = max(_LEAST, _LEAST_SHARE * sum(one.bytes for one in grown))
    found = [one for one in grown if one.bytes >= least][:_LINES]
    if cause.pace <= 0 or not found:
        return cause
    return replace(cause, evidence=(*cause.evidence, *(_evidence(one) for one in found)))


def _evidence(grown: LineGrowth) -> Evidence:
    each = "" if grown.per_request is None else f", {units.size(grown.per_request)} for each request"
    claim = (
        f"tracemalloc: {units.size(grown.bytes)} more in {units.plural(grown.blocks, 'block')} allocated at "
        f"{PurePath(grown.file).name}:{grown.line} stood after {grown.seconds:.0f} s{each}."
    )
    return Evidence(
        claim,
        grown.bytes,
        "bytes",
        n=max(0, grown.blocks),
        where=Place(grown.file, grown.line, grown.function, grown.origin),
    )
