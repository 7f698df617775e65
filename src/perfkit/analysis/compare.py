"""Two analyses of the same work: what each function of the project takes in one and in the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from perfkit.model.analysis import Analysis
from perfkit.model.finding import Place
from perfkit.model.gate import FunctionChange
from perfkit.model.recording import Frame

# A function by its file, relative to the project's folder, and its name: lines move.
Key = tuple[str, str]


def functions(before: Analysis, after: Analysis, endpoint: str | None = None) -> list[FunctionChange]:
    """Seconds a request (of the whole run where there are none) of each function, its callees in libraries included; what grew
    most first. Of one endpoint, or of all."""
    old, _ = _by_function(before, endpoint)
    new, places = _by_function(after, endpoint)
    changes = [
        FunctionChange(places.get(key), key[1], key[0], old.get(key, 0.0), new.get(key, 0.0)) for key in {**old, **new}
    ]
    return sorted(changes, key=lambda one: (one.baseline - one.current, one.file, one.function))


def changed_caller(
    analysis: Analysis, endpoint: str | None, grown: Place, changed: Mapping[str, frozenset[int]]
) -> Place | None:
    """The line that changed and led to what a function takes: its own, or that of the nearest caller of the project's."""
    seconds: defaultdict[tuple[int, Frame], float] = defaultdict(float)
    for time in analysis.times:
        own = _own(analysis, time.stack, time.entry)
        if own is None or (own.file, own.function) != (grown.file, grown.function) or time.endpoint != endpoint:
            continue
        frames = analysis.stacks.expand(time.stack)[time.entry :]
        for depth, frame in enumerate(reversed(frames)):
            if frame.line in changed.get(frame.file, ()):
                seconds[depth, frame] += time.seconds
                break
    found = max(seconds, key=lambda one: seconds[one], default=None)
    return None if found is None else Place(found[1].file, found[1].line, found[1].function, found[1].origin)


def _by_function(analysis: Analysis, endpoint: str | None) -> tuple[dict[Key, float], dict[Key, Place]]:
    seconds: defaultdict[Key, float] = defaultdict(float)
    lines: dict[Key, defaultdict[int, float]] = {}
    files: dict[Key, Frame] = {}
    for time in analysis.times:
        if endpoint is not None and time.endpoint != endpoint:
            continue
        frame = _own(analysis, time.stack, time.entry)
        if frame is None:
            continue
        key = (_relative(frame.file, analysis.run.project), frame.function)
        seconds[key] += time.seconds
        lines.setdefault(key, defaultdict(float))[frame.line] += time.seconds
        files[key] = frame
    requests = _requests(analysis, endpoint)
    places = {key: _place(files[key], lines[key]) for key in seconds}
    return {key: value / requests for key, value in seconds.items()}, places


def _own(analysis: Analysis, stack: int, entry: int) -> Frame | None:
    """The innermost frame of the project's."""
    frames = analysis.stacks.expand(stack)[entry:]
    return next((frame for frame in reversed(frames) if frame.origin == "app"), None)


def _place(frame: Frame, lines: Mapping[int, float]) -> Place:
    return Place(frame.file, max(lines, key=lambda line: lines[line]), frame.function, frame.origin)


def _requests(analysis: Analysis, endpoint: str | None) -> int:
    if endpoint is None:
        return analysis.requests or 1
    return next((one.requests or 1 for one in analysis.endpoints if one.endpoint == endpoint), 1)


def _relative(file: str, project: tuple[str, ...]) -> str:
    for folder in project:
        if Path(file).is_relative_to(folder):
            return str(Path(file).relative_to(folder))
    return file
