"""Reports room: a profile as `pstats.Stats(FILE)`, snakeviz and gprof2dot read it: a marshalled dictionary.

A report comes in. Exact calls go out where a deterministic engine counted them; else sampled stacks, where a function's
calls are the looks that found it on the stack, and its seconds are measured seconds. A look is not a call: pstats has no
other place for it.
"""

from __future__ import annotations

import marshal
import re
from collections import defaultdict
from itertools import pairwise

from perfkit.model.analysis import Analysis
from perfkit.model.recording import Call, Frame
from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.samples import Place, Sampled, sampled
from perfkit.reports.visible import visible
from perfkit.shared.codeline import Lines

Key = tuple[str, int, str]  # file, first line, function; pstats writes `~` for the file of what has none
Edge = tuple[
    int, int, float, float
]  # calls, those of them that were no recursion, own seconds, seconds with what it called

# Version 2 has no back references, which depend on how often a value happens to be used elsewhere.
_VERSION = 2


class _Function:
    """A row of pstats while it is added up."""

    def __init__(self) -> None:
        self.calls = 0
        self.primitive = 0
        self.own = 0.0
        self.total = 0.0
        self.callers: dict[Key, Edge] = {}

    def called_by(self, caller: Key, edge: Edge) -> None:
        known = self.callers.get(caller, (0, 0, 0.0, 0.0))
        self.callers[caller] = (known[0] + edge[0], known[1] + edge[1], known[2] + edge[2], known[3] + edge[3])

    def row(self) -> tuple[int, int, float, float, dict[Key, Edge]]:
        return self.primitive, self.calls, self.own, self.total, dict(sorted(self.callers.items()))


_Functions = defaultdict[Key, _Function]


def render(report: Report, options: RenderOptions) -> bytes:
    """Raises PerfkitError where nothing was counted or sampled."""
    analysis = report.analysis
    # Calls that were counted beside samples are of a few functions, and have no seconds.
    whole = any(call.self_seconds > 0 for call in analysis.calls)
    functions = _counted(analysis) if whole else _looked_at(analysis, sampled(analysis, "pstats"))
    return marshal.dumps({key: functions[key].row() for key in sorted(functions)}, _VERSION)


def _counted(analysis: Analysis) -> _Functions:
    """Edges added up by their callee. Those to itself are inside of its calls from elsewhere."""
    functions, paths = _Functions(_Function), Paths(analysis.run.project)
    for call in analysis.calls:
        callee = functions[_key_of(call.callee, paths)]
        edge = _edge(call)
        callee.calls += edge[0]
        callee.own += edge[2]
        if call.caller != call.callee:
            callee.primitive += edge[1]
            callee.total += edge[3]
        if call.caller is not None:
            caller = _key_of(call.caller, paths)
            callee.called_by(caller, edge)
            functions.setdefault(caller, _Function())  # snakeviz looks up every caller
    # Functions that call each other have the inner calls' seconds once more: nothing takes more than everything.
    whole = sum(function.own for function in functions.values())
    for function in functions.values():
        function.total = min(max(function.total, function.own), whole)
    return functions


def _edge(call: Call) -> Edge:
    """Recordings exist that have the two counts the other way round; there are never more primitive calls than calls."""
    primitive, calls = sorted((call.primitive_calls, call.calls))
    return calls, primitive, call.self_seconds, call.total_seconds


def _key_of(frame: Frame, paths: Paths) -> Key:
    if frame.file == "<built-in>":
        return "~", 0, visible(frame.function)
    return visible(paths.short(frame.file)), frame.line, visible(frame.function)


def _looked_at(analysis: Analysis, found: Sampled) -> _Functions:
    functions, keys = _Functions(_Function), _keys(analysis, found.places)
    for numbers, time in found.rows:
        stack = [keys[number] for number in numbers]
        for key in dict.fromkeys(stack):
            functions[key].calls += time.n
            functions[key].primitive += time.n
            functions[key].total += time.seconds
        functions[stack[-1]].own += time.seconds
        for caller, callee in dict.fromkeys(pairwise(stack)):
            last = (caller, callee) == tuple(stack[-2:])
            functions[callee].called_by(caller, (time.n, time.n, time.seconds if last else 0.0, time.seconds))
    return functions


def _keys(analysis: Analysis, places: tuple[Place, ...]) -> list[Key]:
    """A function by where it begins, as far as its source was kept, else by the first of its lines that was seen."""
    lines = Lines(analysis.sources)
    starts = [_begins(lines, place.frame) if place.frame is not None and place.shown.file else 0 for place in places]
    first: dict[tuple[str, str, int], int] = {}
    for place, start in zip(places, starts, strict=True):
        shown = place.shown
        name = (shown.file, shown.name, start)
        first[name] = min(first.get(name, shown.line), start or shown.line)
    return [
        (place.shown.file or "~", first[place.shown.file, place.shown.name, start], place.shown.name)
        for place, start in zip(places, starts, strict=True)
    ]


def _begins(lines: Lines, frame: Frame) -> int:
    """The line of the function's `def`; 0 where its source was not kept. Two methods `save` of a file are told apart by it."""
    source = lines.function(frame.file, frame.line)
    if source is None:
        return 0
    head = re.compile(rf"\s*(?:async\s+)?def\s+{re.escape(frame.function.rpartition('.')[2])}\b")
    above = range(frame.line, source.first_line - 1, -1)
    return next((number for number in above if head.match(lines.text(frame.file, number) or "")), 0)
