"""Reports room: an analysis comes in, its sampled stacks go out as the exporters of profiles need them.

Names and files are harmless text, and no stack is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfkit.model.analysis import Analysis, StackTime
from perfkit.model.recording import Frame
from perfkit.reports.labels import Shown
from perfkit.reports.relative import Paths
from perfkit.reports.stacks import Frames, demand_stacks
from perfkit.reports.visible import visible

# What a request did above its route's frame is not known where nothing of it was sampled.
_NOTHING = Shown("(request)", "", 0, "route")


@dataclass(frozen=True, slots=True)
class Place:
    """A frame as it is shown, and the frame of the recording, which `(request)` has none of."""

    shown: Shown
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """`rows` are stacks as indices into `places`, root first, each with its measured time."""

    places: tuple[Place, ...]
    rows: tuple[tuple[tuple[int, ...], StackTime], ...]


def sampled(analysis: Analysis, form: str) -> Sampled:
    """In the order of the analysis. Raises PerfkitError where there are no stacks."""
    demand_stacks(analysis, form)
    frames = Frames(analysis.stacks, Paths(analysis.run.project))
    index: dict[int, int] = {}
    rows = tuple(
        (tuple(index.setdefault(number, len(index)) for number in frames.numbers(time.stack) or (-1,)), time)
        for time in analysis.times
    )
    return Sampled(tuple(_place(frames, analysis, number) for number in index), rows)


def _place(frames: Frames, analysis: Analysis, number: int) -> Place:
    if number < 0:
        return Place(_NOTHING, None)
    found = frames.at(number)
    return Place(replace(found, name=visible(found.name), file=visible(found.file)), analysis.stacks.frames[number])
