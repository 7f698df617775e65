"""Findings room: containers that grow with the requests, as the rules about leaks and caches see them."""

from __future__ import annotations

from collections.abc import Iterator

from perfkit.findings.interface import View
from perfkit.findings.memory_list import memory_of
from perfkit.model.finding import Confidence, Evidence, Place
from perfkit.model.growth import Growing, ProcessMemory
from perfkit.shared import units
from perfkit.shared.origin import Origins

LEAST_GROWN = 50
LEAST_REQUESTS = 100
# Bytes that it took while we looked: what grows by less needs the process's own growth as a second witness.
LEAST_BYTES = 100_000
LEAST_USELESS = 20_000
_HARDLY = 0.02
_NEEDED = 0.5
LEAST_PACE = 5_000.0
"""Bytes a second: the lower end of a process's growth that counts as growth."""


def growing(view: View) -> Iterator[Growing]:
    """What grew at each look with the requests of a server and shows no end, that of the project first."""
    memory = memory_of(view)
    if view.analysis.kind != "server":
        return  # a script that collects its result is at work
    for found in memory.growing:
        if found.grown < LEAST_GROWN or not found.steady or found.requests < LEAST_REQUESTS:
            continue
        if found.bound is not None and found.length <= found.bound * len(found.processes):
            continue
        least = LEAST_USELESS if _is_never_hit(found) else LEAST_BYTES
        if found.grown_bytes >= least or any(map(is_growing, _of(view, found))):
            yield found


def _is_never_hit(found: Growing) -> bool:
    """A cache whose arguments hardly ever come again: one that is still being filled would be hit by now and then."""
    hits, misses = found.hits or 0, found.misses or 0
    return misses >= LEAST_REQUESTS and hits <= _HARDLY * (hits + misses)


def is_growing(process: ProcessMemory) -> bool:
    """Not where most of what is added is free: peaks leave room behind, and gaps."""
    trend = process.trend
    if trend is None or trend.low <= LEAST_PACE or not trend.steady:
        return False
    return process.needed is None or process.needed >= _NEEDED * trend.slope


def _of(view: View, found: Growing) -> list[ProcessMemory]:
    return [process for process in memory_of(view).processes if process.process in found.processes]


def place(view: View, found: Growing) -> Place | None:
    if not found.line:
        return None
    return Place(found.file, found.line, "", Origins(view.analysis.run.project).of(found.file))


def pace(found: Growing) -> float:
    """Bytes a second, by the sizes of entries."""
    return found.grown_bytes / found.seconds if found.seconds else 0.0


def entries(found: Growing) -> Evidence:
    each = found.grown / found.requests
    many = f"{each:.2g}" if each < 10 else units.count(each)
    claim = (
        f"{found.kind} with {units.count(found.length)} entries: {units.count(found.grown)} more in "
        f"{found.seconds:.0f} s, {many} for each request, at each of {found.looks} looks."
    )
    return Evidence(claim, found.grown, "entries", n=found.looks)


def filled_by(found: Growing) -> list[Evidence]:
    if found.filled_by is None:
        return []
    each = f"{found.per_request:.2g}" if found.per_request < 10 else units.count(found.per_request)
    claim = f"It grows with the requests of {found.filled_by}: {each} for each."
    return [Evidence(claim, found.per_request, "entries", n=found.looks)]


def growth(view: View, found: Growing) -> Evidence | None:
    """What its process did meanwhile, where that shows."""
    trends = [process.trend for process in _of(view, found) if process.trend is not None and is_growing(process)]
    if not trends:
        return None
    slope, low, high = (sum(getattr(trend, name) for trend in trends) for name in ("slope", "low", "high"))
    claim = f"Its process grows by {units.size(max(0.0, slope))} a second ({units.size(max(0.0, low))} to {units.size(max(0.0, high))})."
    return Evidence(claim, slope, "bytes")


def confidence(view: View, found: Growing) -> Confidence:
    if any(map(is_growing, _of(view, found))):
        return Confidence("high", "the container and its process grow together, and no plateau is near")
    return Confidence("medium", "the container grows at each look; its process does not yet show it")
