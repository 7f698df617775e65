"""What the probe timed inside requests: requests and spans come in; who owns which seconds, and what is left, go out.

Collections and blocked loops cut everything that requests did meanwhile, and are charged for every request in flight. Of the
rest a span owns the time in which its request waited for it. What remains is for the samples to divide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from perfkit.analysis.inflight import InFlight
from perfkit.analysis.intervals import Cuts, Interval, owned
from perfkit.analysis.uses import Uses
from perfkit.model.analysis import Kind, SpanUse, StackTime
from perfkit.model.recording import Frame, Recording, Request, SpanKind, Spans
from perfkit.shared.origin import PROBE, ROUTE

OWNING: frozenset[SpanKind] = frozenset(
    ("sql", "fetch", "transaction", "connect", "pool", "compile", "regex", "json", "import")
)
_READ: frozenset[SpanKind] = OWNING | frozenset(("render", "gc", "block"))
# A leaf of its own keeps a block's seconds apart from samples of the same stack.
BLOCK = Frame("requests wait for the event loop", "<loop>", 0, "native")


@dataclass
class Inside:
    """`requests` are those that are measured, `remainder` what of their seconds no span owns, by endpoint. `blocked` tells
    the seconds that the loop itself lost, by the project function (file, function) that held it up."""

    requests: list[Request]
    rows: list[StackTime] = field(default_factory=list)
    uses: tuple[SpanUse, ...] = ()
    remainder: defaultdict[str | None, float] = field(default_factory=lambda: defaultdict(float))
    blocked: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    seconds: float = 0.0

    @property
    def owned(self) -> float:
        return sum(row.seconds for row in self.rows)


def is_excluded(endpoint: str | None, exclude: Sequence[str]) -> bool:
    """By its full name, or by its route without the method."""
    return endpoint is not None and (endpoint in exclude or endpoint.partition(" ")[2] in exclude)


def read(recording: Recording, begin: float, kind: Kind, cluster: Callable[[float], int]) -> Inside | None:
    """None where no probe timed anything. `begin` is the moment from which on requests are measured."""
    if kind == "server":
        requests = [
            request
            for request in recording.requests
            if request.source == "probe"
            and request.kind != "test"
            and request.start >= begin
            and not is_excluded(request.endpoint, recording.run.exclude)
        ]
    else:
        requests = [_whole_run(process.id, begin, recording) for process in recording.processes]
    if not requests or (kind == "script" and _READ.isdisjoint(recording.spans.kind)):
        return None
    return _Reading(recording, requests, kind, cluster).inside()


def _whole_run(process: int, begin: float, recording: Recording) -> Request:
    """A script's whole run, as if it were one request."""
    return Request("", begin, recording.run.duration - begin, 0, "probe", process, 0)


class _Reading:
    def __init__(
        self, recording: Recording, requests: list[Request], kind: Kind, cluster: Callable[[float], int]
    ) -> None:
        self._recording = recording
        self._spans: Spans = recording.spans
        self._kind = kind
        self._cluster = cluster
        self._inside = Inside(requests, seconds=sum(request.seconds for request in requests))
        self._uses = Uses(recording, cluster)
        self._cuts: dict[int, Cuts] = {}
        self._blocks: dict[int, StackTime] = {}

    def inside(self) -> Inside:
        by_request = self._sorted_into_requests()
        self._cut()
        for request, spans in zip(self._inside.requests, by_request, strict=True):
            self._divide(request, spans)
        self._inside.rows.extend((*self._blocks.values(), *self._uses.rows()))
        self._inside.uses = self._uses.all()
        return self._inside

    def _sorted_into_requests(self) -> list[list[int]]:
        """Row numbers of each request's spans, ordered by start."""
        spans = self._spans
        at = {(r.process, r.number): i for i, r in enumerate(self._inside.requests)}
        found: list[list[int]] = [[] for _ in self._inside.requests]
        script = self._kind == "script"
        for row, (process, number, kind) in enumerate(zip(spans.process, spans.request, spans.kind, strict=True)):
            if kind in OWNING or kind == "render":
                index = at.get((process, 0 if script else number))
                if index is not None:
                    found[index].append(row)
        for rows in found:
            rows.sort(key=spans.start.__getitem__)
        return found

    def _divide(self, request: Request, rows: list[int]) -> None:
        spans = self._spans
        end = request.start + request.seconds
        # What follows a request's end is work that its client does not wait for.
        rows = [row for row in rows if request.start - 1e-6 <= spans.start[row] < end]
        owning = [row for row in rows if spans.kind[row] in OWNING]
        intervals = [(spans.start[row], spans.start[row] + spans.seconds[row]) for row in owning]
        seconds = owned(intervals, request.start, end)
        cuts = self._cuts.get(request.process or 0)
        lost = cuts.within(request.start, end) if cuts else 0.0
        if cuts and lost:
            pairs = zip(seconds, intervals, strict=True)
            seconds = [max(0.0, own - cuts.within(*interval)) for own, interval in pairs]
        endpoint = request.route
        by_row = dict(zip(owning, seconds, strict=True))
        self._uses.add(endpoint, [(row, by_row.get(row, 0.0)) for row in rows])
        self._inside.remainder[endpoint] += max(0.0, request.seconds - lost - sum(seconds))

    def _cut(self) -> None:
        """Collections and blocks, each charged for all requests of its process that were in flight. Where they overlap, a
        collection comes before a block, and what began first before what began later."""
        collections: defaultdict[int, list[int]] = defaultdict(list)
        blocks: defaultdict[int, list[int]] = defaultdict(list)
        spans = self._spans
        for row, (process, kind) in enumerate(zip(spans.process, spans.kind, strict=True)):
            if kind in ("gc", "block"):
                (collections if kind == "gc" else blocks)[process].append(row)
        for process in {*collections, *blocks}:
            flight = InFlight(r for r in self._inside.requests if r.process == process)
            taken = Cuts(())
            for row in sorted(collections[process], key=spans.start.__getitem__):
                seconds = sum(flight.seconds(*piece) for piece in taken.without(*self._interval(row)))
                taken.add(self._interval(row))
                if seconds > 0:
                    self._uses.add(None, [(row, seconds)])
            for row in sorted(blocks[process], key=spans.start.__getitem__):
                self._charge_block(row, flight, taken.without(*self._interval(row)))
                taken.add(self._interval(row))
            self._cuts[process] = taken

    def _interval(self, row: int) -> Interval:
        return self._spans.start[row], self._spans.start[row] + self._spans.seconds[row]

    def _charge_block(self, row: int, flight: InFlight, pieces: list[Interval]) -> None:
        seconds = sum(flight.seconds(*piece) for piece in pieces)
        stacks = self._recording.stacks
        frames = stacks.expand(self._spans.stack[row])
        project = next((frame for frame in reversed(frames) if frame.origin == "app"), None)
        if project is not None:
            self._inside.blocked[project.file, project.function] += sum(stop - start for start, stop in pieces)
        if seconds <= 0:
            return
        route = next((f.function.removeprefix(ROUTE) for f in reversed(frames) if _is_route(f)), None)
        entry = next((i + 1 for i, f in enumerate(frames) if f.file == PROBE), 0)
        stack = stacks.push(self._spans.stack[row], BLOCK)
        self._uses.add(route, [(row, seconds)], stack)
        held = self._blocks.setdefault(stack, StackTime(stack, 0.0, 0, route, entry, "span", {}, True))
        cluster = self._cluster(self._spans.start[row])
        clusters = {**held.clusters, cluster: held.clusters.get(cluster, 0.0) + seconds}
        self._blocks[stack] = replace(held, seconds=held.seconds + seconds, n=held.n + 1, clusters=clusters)


def _is_route(frame: Frame) -> bool:
    return frame.file == PROBE and frame.function.startswith(ROUTE)
