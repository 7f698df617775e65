"""Reports room: requests and spans over time in the Trace Event Format, for Perfetto and chrome://tracing.

https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. The recording comes in by the options. A
track for each request that is under way at the same time goes out, its statements and other spans inside of it, and memory
as a counter. Samples have no times of their own, so that they are on no track.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, count
from math import isfinite
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.model.recording import Frame, Process, Recording, Request, Span
from perfkit.model.report import Report
from perfkit.reports.chrome_lanes import Lanes, Slice
from perfkit.reports.interface import RenderOptions
from perfkit.reports.labels import shown
from perfkit.reports.relative import Paths
from perfkit.reports.visible import visible

_US = 1e6
_LONGEST_NAME = 100
# What a span's count counts, where it has one.
_COUNTED = {"sql": "rows", "fetch": "rows", "gc": "generation", "json": "bytes", "block": "requests"}
_CLIENTS = "clients (perfkit --load)"

Event = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """One event a line. Raises PerfkitError without the recording, and where nothing in it was timed."""
    recording = options.recording
    if recording is None:
        raise PerfkitError(
            "chrome shows single requests, which a report does not hold.",
            "make it from the recording: perfkit report RECORDING -o FILE.trace.json",
        )
    if not recording.requests and not len(recording.spans):
        raise PerfkitError(
            "chrome shows when requests and statements ran, and this recording times none.",
            "measure a server with perfkit run, attach --sql or --load URL; --format speedscope shows sampled stacks",
        )
    run = recording.run
    head = {"command": visible(run.command), "started": run.started, "perfkit": run.perfkit_version}
    events = ",\n".join(json.dumps(event, allow_nan=False, separators=(",", ":")) for event in _events(recording))
    return f'{{"displayTimeUnit":"ms","otherData":{json.dumps(head, allow_nan=False)},"traceEvents":[\n{events}\n]}}\n'


def _events(recording: Recording) -> Iterator[Event]:
    """Processes in the order of the recording, the load's clients as the last."""
    tracks = count(1)  # unique in the file: Perfetto takes one number for one thread, whatever its process
    slices = _slices(recording)
    for process in recording.processes:
        yield from _process(process.pid, process.command, slices.pop(process.id, []), tracks)
        yield from _memory(recording, process)
    nobody = max((process.pid for process in recording.processes), default=0) + 1
    rest = list(chain.from_iterable(slices.values()))
    if rest:
        yield from _process(nobody, _CLIENTS, rest, tracks)


def _process(pid: int, name: str, slices: list[Slice], tracks: Iterator[int]) -> Iterator[Event]:
    yield _named("process_name", pid, 0, visible(name))
    placed = list(Lanes().place(slices))
    known: dict[tuple[bool, int], int] = {}
    for beside, number in sorted({(lane.beside, lane.number) for lane, _ in placed}):
        known[beside, number] = next(tracks)
        label = f"{'beside or outside of requests' if beside else 'requests'}, track {number}"
        yield _named("thread_name", pid, known[beside, number], label)
    for lane, found in placed:
        yield {
            "ph": "X",
            "name": found.name,
            "cat": found.category,
            "pid": pid,
            "tid": known[lane.beside, lane.number],
            "ts": found.start,
            "dur": found.end - found.start,
            "args": found.details,
        }


def _named(what: str, pid: int, track: int, name: str) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": track, "args": {"name": name}}


def _memory(recording: Recording, process: Process) -> Iterator[Event]:
    for reading in recording.memory or recording.usage:
        if reading.process == process.id and isfinite(reading.at):
            used = {"bytes": reading.rss}
            yield {"ph": "C", "name": "resident memory", "pid": process.pid, "ts": _us(reading.at), "args": used}


def _slices(recording: Recording) -> dict[int | None, list[Slice]]:
    """By process; None is perfkit's own clients."""
    found: defaultdict[int | None, list[Slice]] = defaultdict(list)
    for request in recording.requests:
        if isfinite(request.start) and isfinite(request.seconds):
            found[request.process].append(_request(request))
    spans = _Spans(recording)
    for span in recording.spans:
        if isfinite(span.start) and isfinite(span.seconds):
            found[span.process].append(spans.slice(span))
    return dict(found)


def _request(request: Request) -> Slice:
    details: dict[str, str | int] = {"status": request.status}
    if request.number is not None:
        details["request"] = request.number
    if request.cpu is not None and isfinite(request.cpu):
        details["cpu_us"] = _us(request.cpu)
    if request.size is not None:
        details["bytes"] = request.size
    start, end = _us(request.start), _us(request.start + request.seconds)
    return Slice(visible(request.endpoint), start, max(start, end), "request", details, request.number, True)


class _Spans:
    """Spans as slices. Names and call sites are few and spans many: each is looked up once."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._paths = Paths(recording.run.project)
        self._names: dict[tuple[str, int], tuple[str, str, str]] = {}
        self._places: dict[int, str] = {}

    def slice(self, span: Span) -> Slice:
        name, whole, category = self._name(span)
        details: dict[str, str | int] = {"text": whole} if whole != name else {}
        place = self._place(span.stack)
        if place:
            details["at"] = place
        if span.count is not None:
            details[_COUNTED.get(span.kind, "count")] = span.count
        if span.request:
            details["request"] = span.request
        start, end = _us(span.start), _us(span.start + span.seconds)
        return Slice(name, start, max(start, end), category, details, span.request or None)

    def _name(self, span: Span) -> tuple[str, str, str]:
        """What it is called, the whole of it, and its category."""
        key = span.kind, span.name
        if key not in self._names:
            known = self._recording.names.get(span.name)
            file = "<loop>" if span.kind == "block" else f"<{span.kind}>"
            label = shown(Frame(known.text if known else span.kind, file, 0, "native"), self._paths)
            whole = visible(label.name) if label else span.kind
            short = whole if len(whole) <= _LONGEST_NAME else whole[: _LONGEST_NAME - 1] + "…"
            self._names[key] = short, whole, span.kind
        return self._names[key]

    def _place(self, stack: int) -> str:
        if stack not in self._places:
            frames = self._recording.stacks.expand(stack)
            leaf = shown(frames[-1], self._paths) if frames else None
            self._places[stack] = visible(f"{leaf.name} ({leaf.place})") if leaf and leaf.place else ""
        return self._places[stack]


def _us(seconds: float) -> int:
    """Rounded down, so that what lies inside of something still does; no viewer takes times before the beginning."""
    return max(0, int(seconds * _US))
