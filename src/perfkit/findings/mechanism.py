"""Causes that are recognised by a mechanism on the stack (a compiler, an encoder, a copier), grouped by who decided on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from perfkit.findings.interface import View, place
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Inside, Place
from perfkit.model.recording import Frame, Stack
from perfkit.shared.frameworks import is_plumbing


@dataclass
class Use:
    """All uses of a mechanism that one function decided on. `mechanism` and `above` are the frames most often seen."""

    decider: tuple[str, str] | None
    claim: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    n: int = 0
    clusters: set[int] = field(default_factory=set)
    places: Counter[Place] = field(default_factory=Counter)
    insides: Counter[Inside] = field(default_factory=Counter)
    mechanisms: Counter[str] = field(default_factory=Counter)

    @property
    def where(self) -> Place | None:
        return self.places.most_common(1)[0][0] if self.places else None

    @property
    def inside(self) -> Inside | None:
        return self.insides.most_common(1)[0][0] if self.insides else None

    @property
    def mechanism(self) -> str:
        return self.mechanisms.most_common(1)[0][0]


Finder = Callable[[Stack, StackTime], int | None]


def uses(view: View, find: Finder, name_of: Callable[[Frame], str] = lambda frame: frame.function) -> Iterator[Use]:
    """Uses of a mechanism, most seconds first. `find` gives the index of the mechanism's outermost frame in the frames
    inside the request, or None."""
    found: defaultdict[tuple[str, str] | None, Use] = defaultdict(lambda: Use(None))
    for time in view.code:
        frames = view.inner(time)
        index = find(frames, time)
        if index is None:
            continue
        decider = view.deciding(frames, index)
        key = (decider.file, decider.function) if decider else None
        use = found[key]
        use.decider = key
        use.claim[time.stack] = 1.0
        use.seconds += time.seconds
        use.n += time.n
        use.clusters.update(time.clusters)
        if decider:
            use.places[place(decider)] += time.n
        use.insides[view.inside(_burner(view, frames, index))] += time.n
        use.mechanisms[name_of(frames[index])] += time.n
    yield from sorted(found.values(), key=lambda use: -use.seconds)


def _burner(view: View, frames: Stack, index: int) -> Frame:
    """The library frame that called the mechanism, where it was not the project itself; else the mechanism."""
    below = next((frame for frame in reversed(frames[:index]) if frame.origin != "stdlib"), None)
    if below is not None and below.origin == "library" and not _carries(view, below):
        return below
    return frames[index]


def _carries(view: View, frame: Frame) -> bool:
    return view.is_project(frame) or is_plumbing(view.distribution(frame)[0])
