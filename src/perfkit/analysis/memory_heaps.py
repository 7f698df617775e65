"""Heaps of a recording: looks at them come in, what each was like when it had warmed up goes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from perfkit.analysis.trends import slope, slope_interval, trend
from perfkit.model.growth import HeapGrowth, HeapUse
from perfkit.model.memory import Heap
from perfkit.model.recording import Process

# Fewer looks than this tell nothing that lasts.
_LEAST_LOOKS = 6
# What a small object takes in the middle, where the interpreter does not tell.
_SMALL = 64
_LONG = 0.05
_STRETCH = 5.0
_LEAST_STRETCHES = 4


def read(looks: Sequence[Heap], processes: Sequence[Process], warm: Callable[[int], float]) -> tuple[HeapUse, ...]:
    """`warm` is the second from which on a process counts."""
    by_process: defaultdict[int, list[Heap]] = defaultdict(list)
    for look in looks:
        if look.at >= warm(look.process):
            by_process[look.process].append(look)
    return tuple(
        _use(process, by_process[process.id]) for process in processes if len(by_process[process.id]) >= _LEAST_LOOKS
    )


def _use(process: Process, looks: Sequence[Heap]) -> HeapUse:
    first, last = looks[0], looks[-1]
    seconds = last.at - first.at
    late = looks[len(looks) // 2 :]
    # Without what a request under way has just made.
    still = min(late, key=lambda look: look.blocks)
    return HeapUse(
        process=process.id,
        pid=process.pid,
        looks=len(looks),
        seconds=seconds,
        threads=max(look.threads for look in looks),
        anonymous=still.anonymous,
        blocks=still.blocks,
        small=still.live,
        arenas=still.arenas,
        loose=_least([_loose(look) for look in late]),
        kept=_least([_kept(look) for look in late]),
        growth=_growth(looks),
        gc_share=(last.gc_seconds - first.gc_seconds) / seconds if seconds else 0.0,
        collected=(last.collected - first.collected) / seconds if seconds else 0.0,
        full=last.full - first.full,
        pauses=sum(look.longest >= _LONG for look in looks[1:]),
        longest=max(look.longest for look in looks[1:]),
    )


def _loose(look: Heap) -> int | None:
    return None if look.arenas is None or look.live is None else max(0, look.arenas - look.live)


def _kept(look: Heap) -> int | None:
    """Never more than what is resident: malloc also counts pages that it has given back, or never touched."""
    if look.free is None or look.used is None:
        return None
    small = _SMALL * look.blocks if look.arenas is None else look.arenas
    return max(0, min(look.free, look.anonymous - look.used - small))


def _least(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return min(known) if known and len(known) == len(values) else None


def _growth(looks: Sequence[Heap]) -> HeapGrowth | None:
    if any(look.live is None or look.used is None for look in looks):
        return None
    blocks = trend([(look.at, look.blocks) for look in looks])
    return HeapGrowth(
        anonymous=slope([(look.at, look.anonymous) for look in looks]),
        small=slope([(look.at, look.live or 0) for look in looks]),
        loose=slope([(look.at, _loose(look) or 0) for look in looks]),
        used=slope([(look.at, (look.used or 0) + (look.mapped or 0)) for look in looks]),
        kept=slope([(look.at, _kept(look) or 0) for look in looks]),
        blocks=max(0.0, blocks.low) if blocks is not None else 0.0,
        needed=_needed_growth(looks),
    )


def _needed_growth(looks: Sequence[Heap]) -> float | None:
    """Of what is resident and not free, at the quietest moment of each stretch: requests under way need more for a while. 0 where
    these moments are no more than up and down."""
    stretches: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for look in looks:
        needed = look.anonymous - (_kept(look) or 0) - (_loose(look) or 0)
        stretches[int((look.at - looks[0].at) / _STRETCH)].append((needed, look.at))
    if len(stretches) < _LEAST_STRETCHES:
        return None
    middle, low, _ = slope_interval([(at, needed) for needed, at in map(min, stretches.values())])
    return middle if low > 0 else 0.0
