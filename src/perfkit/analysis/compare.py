"""Two analyses of the same work: what each function of the project takes in one and in the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import NamedTuple

from perfkit.model.analysis import Analysis
from perfkit.model.difference import StatementChange
from perfkit.model.finding import Place
from perfkit.model.gate import FunctionChange
from perfkit.model.recording import Frame

# A function by its file, relative to the project's folder, and its name: lines move.
Key = tuple[str, str]
_DESIGN_EFFECT = 4.0
# Requests that were under way at an end make such a share of difference.
_SAME = 0.02


class _Taken(NamedTuple):
    seconds: float
    error: float


def functions(before: Analysis, after: Analysis, endpoint: str | None = None) -> list[FunctionChange]:
    """Seconds a request (of the whole run where there are none) of each function, its callees in libraries included; what grew
    most first. Of one endpoint, or of all."""
    old, gone = _by_function(before, endpoint)
    new, places = _by_function(after, endpoint)
    nothing = _Taken(0.0, 0.0)
    changes = []
    for key in {**old, **new}:
        was, now = old.get(key, nothing), new.get(key, nothing)
        error = sqrt(was.error**2 + now.error**2)
        changes.append(
            FunctionChange(places.get(key) or gone.get(key), key[1], key[0], was.seconds, now.seconds, error)
        )
    return sorted(changes, key=lambda one: (one.baseline - one.current, one.file, one.function))


def statements(before: Analysis, after: Analysis) -> list[StatementChange]:
    """Statements that requests of an endpoint run more or less often, or the whole run where there are no requests."""
    old, new = _statements(before), _statements(after)
    common = {endpoint for endpoint, _ in _runs(before)} & {endpoint for endpoint, _ in _runs(after)}
    changes = []
    for endpoint, text in {**old, **new}:
        if endpoint in common:
            was, now = (side.get((endpoint, text), (0.0, None)) for side in (old, new))
            changes.append(StatementChange(endpoint, text, was[0], now[0], now[1] or was[1]))
    moved = [one for one in changes if abs(one.current - one.baseline) > _SAME * max(one.baseline, one.current)]
    return sorted(moved, key=lambda one: (one.baseline - one.current, one.endpoint or "", one.text))


def _runs(analysis: Analysis) -> list[tuple[str | None, int]]:
    found: list[tuple[str | None, int]] = [(one.endpoint, one.requests) for one in analysis.endpoints if one.requests]
    return found or [(None, 1)]


def _statements(analysis: Analysis) -> dict[tuple[str | None, str], tuple[float, Place | None]]:
    requests = dict(_runs(analysis))
    found: dict[tuple[str | None, str], tuple[float, Place | None]] = {}
    for use in analysis.uses:
        if use.kind != "sql" or use.endpoint not in requests:
            continue
        known, place = found.get((use.endpoint, use.text), (0.0, None))
        frame = analysis.sites.get(use.stack)
        place = place or (None if frame is None else Place(frame.file, frame.line, frame.function, frame.origin))
        found[use.endpoint, use.text] = (known + use.count / requests[use.endpoint], place)
    return found


def changed_caller(
    analysis: Analysis, endpoint: str | None, grown: Place, changed: Mapping[str, frozenset[int]]
) -> Place | None:
    """The line that changed and led to what a function takes: its own, or that of the nearest caller of the project's."""
    seconds: defaultdict[tuple[int, Frame], float] = defaultdict(float)
    for time in analysis.times:
        own = _own(analysis, time.stack, time.entry)
        elsewhere = endpoint is not None and time.endpoint != endpoint
        if own is None or elsewhere or (own.file, own.function) != (grown.file, grown.function):
            continue
        frames = analysis.stacks.expand(time.stack)[time.entry :]
        for depth, frame in enumerate(reversed(frames)):
            if frame.line in changed.get(frame.file, ()):
                seconds[depth, frame] += time.seconds
                break
    found = max(seconds, key=lambda one: seconds[one], default=None)
    return None if found is None else Place(found[1].file, found[1].line, found[1].function, found[1].origin)


def _by_function(analysis: Analysis, endpoint: str | None) -> tuple[dict[Key, _Taken], dict[Key, Place]]:
    seconds: defaultdict[Key, float] = defaultdict(float)
    sampled: defaultdict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0])
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
        if not time.timed:
            sampled[key][0] += time.seconds
            sampled[key][1] += time.n
        lines.setdefault(key, defaultdict(float))[frame.line] += time.seconds
        files[key] = frame
    requests = _requests(analysis, endpoint)
    places = {key: _place(files[key], lines[key]) for key in seconds}
    taken = {key: _Taken(value / requests, _error(*sampled[key]) / requests) for key, value in seconds.items()}
    return taken, places


def _error(seconds: float, n: float) -> float:
    """Samples of one request are alike: they count as four times fewer."""
    return 1.96 * seconds * sqrt(_DESIGN_EFFECT / n) if n else 0.0


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
