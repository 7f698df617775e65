"""Causes that are recognised by a mechanism on the stack (a compiler, an encoder, a copier), grouped by who decided on it.

What spans timed of a mechanism joins what samples saw of it: their seconds never overlap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from perfkit.findings.interface import View, place
from perfkit.model.analysis import SpanUse, StackTime
from perfkit.model.finding import Evidence, Inside, Place
from perfkit.model.recording import Frame, SpanKind, Stack
from perfkit.shared.frameworks import is_plumbing

COLLECTION = "<gc>"
Line = tuple[str, int]


@dataclass
class Use:
    """All uses of a mechanism that one function decided on. `mechanism` is the one with most seconds, `n` the samples, `spans`
    what was timed."""

    decider: tuple[str, str] | None
    claim: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    n: int = 0
    clusters: set[int] = field(default_factory=set)
    places: Counter[Place] = field(default_factory=Counter)
    insides: Counter[Inside] = field(default_factory=Counter)
    mechanisms: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    spans: list[SpanUse] = field(default_factory=list)
    lines: defaultdict[Line, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def count(self) -> int:
        """How often it was timed."""
        return sum(use.count for use in self.spans)

    @property
    def where(self) -> Place | None:
        return self.places.most_common(1)[0][0] if self.places else None

    @property
    def inside(self) -> Inside | None:
        return self.insides.most_common(1)[0][0] if self.insides else None

    @property
    def mechanism(self) -> str:
        return max(self.mechanisms, key=lambda name: self.mechanisms[name])


Finder = Callable[[Stack, StackTime], int | None]


def uses(
    view: View,
    find: Finder,
    name_of: Callable[[Frame], str] = lambda frame: frame.function,
    timed: tuple[SpanKind, ...] = (),
    name_of_span: Callable[[SpanUse], str] = lambda use: use.text,
) -> Iterator[Use]:
    """Uses of a mechanism, most seconds first. `find` gives the index of the mechanism's outermost frame in the frames
    inside the request, or None; spans of the kinds `timed` are uses of it, too."""
    found: defaultdict[tuple[str, str] | None, Use] = defaultdict(lambda: Use(None))
    for time in view.code:
        frames = view.inner(time)
        index = find(frames, time)
        if index is None:
            continue
        use = _add(found, time, view.deciding(frames, index))
        use.n += time.n
        use.insides[view.inside(_burner(view, frames, index))] += time.n
        use.mechanisms[name_of(frames[index])] += time.seconds
        line = innermost_line(view, frames)
        if line is not None:
            use.lines[line] += time.seconds
    _add_collections(view, found, find)
    _add_spans(view, found, timed, name_of_span)
    yield from sorted(found.values(), key=lambda use: -use.seconds)


def _add_collections(view: View, found: Mapping[tuple[str, str] | None, Use], find: Finder) -> None:
    """Garbage collections that come while a mechanism works are its own: what it makes sets them off. One that shows only the
    project's line is shared as the samples of that line are."""
    at_line: defaultdict[Line, float] = defaultdict(float)
    for time in view.code:
        line = innermost_line(view, view.inner(time))
        if line is not None:
            at_line[line] += time.seconds
    for time in view.times:
        stack = view.frames(time)
        if not time.timed or not stack or stack[-1].file != COLLECTION:
            continue
        frames = stack[:-1]
        index, line = find(frames, time), innermost_line(view, frames)
        decider = None if index is None else view.deciding(frames, index)
        for key, use in found.items():
            if index is not None:
                part = 1.0 if decider is not None and key == (decider.file, decider.function) else 0.0
            else:
                part = use.lines[line] / at_line[line] if line is not None and use.lines.get(line) else 0.0
            if part:
                use.claim[time.stack] = min(1.0, part)
                use.seconds += time.seconds * min(1.0, part)


def innermost_line(view: View, frames: Stack) -> Line | None:
    """The innermost line of the project."""
    frame = next((frame for frame in reversed(frames) if view.is_project(frame)), None)
    return (frame.file, frame.line) if frame is not None else None


def _add(found: defaultdict[tuple[str, str] | None, Use], time: StackTime, decider: Frame | None) -> Use:
    key = (decider.file, decider.function) if decider else None
    use = found[key]
    use.decider = key
    use.claim[time.stack] = 1.0
    use.seconds += time.seconds
    use.clusters.update(time.clusters)
    if decider:
        use.places[place(decider)] += time.n
    return use


def _add_spans(
    view: View,
    found: defaultdict[tuple[str, str] | None, Use],
    kinds: tuple[SpanKind, ...],
    name_of: Callable[[SpanUse], str],
) -> None:
    times = {time.stack: time for time in view.times if time.timed} if kinds else {}
    claimed: dict[int, Use] = {}
    for span in view.analysis.uses:
        if span.kind not in kinds or span.stack not in times:
            continue
        frames = view.frames(times[span.stack])[:-1]
        decider = view.deciding(frames, len(frames))
        if span.stack not in claimed:
            claimed[span.stack] = _add(found, times[span.stack], decider)
        use = claimed[span.stack]
        use.spans.append(span)
        use.mechanisms[name_of(span)] += span.seconds
        called = frames[frames.index(decider) + 1 :] if decider in frames else ()
        if called and called[0].origin in ("library", "stdlib"):
            use.insides[view.inside(called[0])] += span.count


def seen(view: View, use: Use, what: str) -> tuple[Evidence, ...]:
    """`453 samples lie inside copy.deepcopy.`, where there are samples."""
    if not use.n:
        return ()
    return (Evidence(f"{view.observed(use.n)} lie inside {what}.", use.n, "samples", n=use.n, where=use.where),)


def _burner(view: View, frames: Stack, index: int) -> Frame:
    """The library frame that called the mechanism, where it was not the project itself; else the mechanism."""
    below = next((frame for frame in reversed(frames[:index]) if frame.origin != "stdlib"), None)
    if below is not None and below.origin == "library" and not _carries(view, below):
        return below
    return frames[index]


def _carries(view: View, frame: Frame) -> bool:
    return view.is_project(frame) or is_plumbing(view.distribution(frame)[0])
