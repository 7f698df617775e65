"""Two analyses of the same work: what each function of the project takes in one and in the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import hypot, sqrt
from pathlib import Path
from typing import NamedTuple

from perfkit.model.analysis import Analysis, StackTime
from perfkit.model.difference import Per, StatementChange
from perfkit.model.finding import Place
from perfkit.model.gate import FunctionChange
from perfkit.model.recording import Frame
from perfkit.shared.origin import module_path

# A function by its file, relative to the project's folder, and its name: lines move.
Key = tuple[str, str]
_DESIGN_EFFECT = 4.0
# Of what the endpoint or run takes: what changed by less is not worth a word.
LEAST = 0.01
# Requests that were under way at an end make such a share of difference.
_SAME = 0.02


class _Taken(NamedTuple):
    seconds: float
    error: float


def functions(before: Analysis, after: Analysis, endpoint: str | None = None) -> list[FunctionChange]:
    """Seconds a request (of the whole run where there are none) of each function, its callees in libraries included; what grew
    most first. Of one endpoint, or of all."""
    return sorted(_changes(before, after, endpoint, busier(before, after)), key=_growth)


def functions_of(
    before: Analysis, after: Analysis, endpoint: str | None, measured: tuple[float, float]
) -> list[FunctionChange]:
    """As `functions`, of seconds that were measured elsewhere on both sides and are divided among them as the samples are: what the
    machine did to one of the two while they were sampled is in neither."""
    changes = _changes(before, after, endpoint, 0.0)
    old, new = sum(one.baseline for one in changes), sum(one.current for one in changes)
    if not old or not new:
        return []
    scale = measured[0] / old, measured[1] / new
    scaled = [
        replace(one, baseline=one.baseline * scale[0], current=one.current * scale[1], error=one.error * max(scale))
        for one in changes
    ]
    return sorted(scaled, key=_growth)


def _growth(one: FunctionChange) -> tuple[float, str, str]:
    """What grew most comes first."""
    return one.baseline - one.current, one.file, one.function


def _changes(before: Analysis, after: Analysis, endpoint: str | None, machine: float) -> list[FunctionChange]:
    divided_by = divisors(before, after, endpoint)
    old, gone = _by_function(before, endpoint, divided_by[0])
    new, places = _by_function(after, endpoint, divided_by[1])
    nothing = _Taken(0.0, 0.0)
    changes = []
    for key in {**old, **new}:
        was, now = old.get(key, nothing), new.get(key, nothing)
        error = hypot(was.error, now.error, machine * max(was.seconds, now.seconds))
        changes.append(
            FunctionChange(places.get(key) or gone.get(key), key[1], key[0], was.seconds, now.seconds, error)
        )
    return changes


def beyond_chance(changes: Sequence[FunctionChange]) -> tuple[FunctionChange, ...]:
    """Those that changed by more than they may stray, and by more than is worth nothing."""
    whole = sum(one.current for one in changes) or 1.0
    return tuple(one for one in changes if abs(one.current - one.baseline) > max(one.error, LEAST * whole))


def per(before: Analysis, after: Analysis) -> Per:
    if after.kind == "script":
        return "run"
    return "request" if before.requests and after.requests else "second"


def divisors(before: Analysis, after: Analysis, endpoint: str | None) -> tuple[float, float]:
    """What seconds are divided by, so that both sides can be compared however long they were measured."""
    sides = (before, after)
    if per(before, after) == "run":
        return 1.0, 1.0
    counted = [_requests(side, endpoint) for side in sides]
    if all(counted):
        return counted[0], counted[1]
    return before.serving_seconds or 1.0, after.serving_seconds or 1.0


def busier(before: Analysis, after: Analysis) -> float:
    """The share of a time that the machine may explain, because others had the CPU for longer on one side than on the other."""
    queued = [side.pressure.runqueue or 0.0 if side.pressure else 0.0 for side in (before, after)]
    return 1 - (1 - max(queued)) / (1 - min(queued)) if max(queued) < 1 else 1.0


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


def _by_function(
    analysis: Analysis, endpoint: str | None, divided_by: float
) -> tuple[dict[Key, _Taken], dict[Key, Place]]:
    seconds: defaultdict[Key, float] = defaultdict(float)
    strays: defaultdict[Key, float] = defaultdict(float)
    lines: dict[Key, defaultdict[int, float]] = {}
    files: dict[Key, Frame] = {}
    for time in analysis.times:
        if endpoint is not None and time.endpoint != endpoint:
            continue
        frame = _own(analysis, time.stack, time.entry)
        if frame is None:
            continue
        key = (file_of(frame, analysis.run.project), frame.function)
        seconds[key] += time.seconds
        strays[key] += straying(time, analysis)
        lines.setdefault(key, defaultdict(float))[frame.line] += time.seconds
        files[key] = frame
    places = {key: _place(files[key], lines[key]) for key in seconds}
    taken = {key: _Taken(value / divided_by, sqrt(strays[key]) / divided_by) for key, value in seconds.items()}
    return taken, places


def straying(time: StackTime, analysis: Analysis) -> float:
    """The square of the seconds by which a stack's may stray (95 %): the variance of a sum of `n` alike samples or spans, of which
    those of one request are alike and count as four times fewer."""
    return 1.96**2 * _DESIGN_EFFECT * time.seconds**2 / (time.n or analysis.requests or 1)


def _own(analysis: Analysis, stack: int, entry: int) -> Frame | None:
    """The innermost frame of the project's."""
    frames = analysis.stacks.expand(stack)[entry:]
    return next((frame for frame in reversed(frames) if frame.origin == "app"), None)


def _place(frame: Frame, lines: Mapping[int, float]) -> Place:
    return Place(frame.file, max(lines, key=lambda line: lines[line]), frame.function, frame.origin)


def _requests(analysis: Analysis, endpoint: str | None) -> int:
    """As its own side counted them: 0 where it did not."""
    if endpoint is None:
        return analysis.requests or 0
    return next((one.requests for one in analysis.endpoints if one.endpoint == endpoint and one.requests), 0)


def file_of(frame: Frame, project: tuple[str, ...]) -> str:
    """Below the side's own folder, or as its library calls it."""
    if frame.origin == "app":
        for folder in project:
            if Path(frame.file).is_relative_to(folder):
                return str(Path(frame.file).relative_to(folder))
    return module_path(frame.file)
