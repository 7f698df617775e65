"""Adds measured stacks up: by endpoint, by function, and into the few slices of `where the time goes`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from perfkit.analysis.rows import Rows
from perfkit.analysis.stackfacts import Facts
from perfkit.analysis.tests_under_way import UnderWay
from perfkit.model.analysis import EndpointTime, FunctionTime, Kind, Slice, SpanUse, StackTime
from perfkit.model.recording import Recording, Request
from perfkit.shared.origin import PROBE, is_own_probe, reads_a_clock


def endpoint_labels(rows: Rows, recording: Recording, facts: Facts) -> dict[str, str]:
    """Names for handlers whose function name alone says too little: `index` of two modules, `<lambda>`."""
    files: defaultdict[str, set[str]] = defaultdict(set)
    for stack in rows.measured:
        fact = facts.of(stack)
        if fact.endpoint is not None and fact.handler is not None:
            files[fact.endpoint].add(recording.stacks.expand(stack)[fact.handler].file)
    return {
        name: f"{PurePath(min(found)).stem}.{name}"
        for name, found in files.items()
        if name.startswith("<") and len(found) == 1
    }


def endpoints(
    times: Sequence[StackTime],
    measured: float,
    requests: Sequence[Request],
    timed: Sequence[Request],
    uses: Sequence[SpanUse],
    kind: Kind,
) -> tuple[EndpointTime, ...]:
    """Routes as the probe timed them, or handlers by sampled time; then the URLs of perfkit's own load by total latency."""
    if timed:
        routed = sum(request.seconds for request in timed if request.route is not None)
        # Where no framework tells routes, the handlers that samples saw say more than one line for all.
        known = routed > 0.5 * sum(request.seconds for request in timed)
        return (*_timed(timed, uses, measured), *([] if known else _handlers(times, measured)), *_loaded(requests))
    if kind == "script" and not any(time.endpoint for time in times):
        return ()
    return (*_handlers(times, measured), *_loaded(requests))


def _handlers(times: Sequence[StackTime], measured: float) -> list[EndpointTime]:
    by_handler: defaultdict[str, float] = defaultdict(float)
    for time in times:
        if time.endpoint is not None:
            by_handler[time.endpoint] += time.seconds
    handlers = [
        EndpointTime(name, seconds, seconds / measured if measured else 0.0) for name, seconds in by_handler.items()
    ]
    return sorted(handlers, key=lambda endpoint: -endpoint.seconds)


def has_failed(request: Request) -> bool:
    return request.status == 0 or request.status >= 400


def _timed(requests: Sequence[Request], uses: Sequence[SpanUse], measured: float) -> list[EndpointTime]:
    by_endpoint: defaultdict[str, list[Request]] = defaultdict(list)
    for request in requests:
        by_endpoint[request.endpoint].append(request)
    queries: Counter[str | None] = Counter()
    for use in uses:
        if use.kind == "sql":
            queries[use.endpoint] += use.count
    found = []
    for name, own in by_endpoint.items():
        lengths = [request.seconds for request in own]
        marks = percentiles(lengths) or (0.0, 0.0, 0.0)
        seconds = sum(lengths)
        share = seconds / measured if measured else 0.0
        failed = sum(map(has_failed, own))
        per_request = queries[own[0].route] / len(own)
        sizes = [request.size for request in own if request.size is not None]
        size = sum(sizes) / len(sizes) if sizes else None
        found.append(EndpointTime(name, seconds, share, len(own), *marks, per_request, "probe", failed, size))
    return sorted(found, key=lambda endpoint: -endpoint.seconds)


def tests(recording: Recording, begin: float, measured: float) -> tuple[EndpointTime, ...]:
    """Tests of a suite, the longest first. Requests of their own clients are in them, and are endpoints by themselves as well."""
    lengths: defaultdict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    for one in recording.requests:
        if one.kind == "test" and one.start >= begin:
            lengths[one.endpoint].append(one.seconds)
            failed[one.endpoint] += has_failed(one)
    if not lengths:
        return ()
    under_way = UnderWay(recording)
    queries = Counter(under_way.at(span) for span in recording.spans if span.kind == "sql")
    found = [
        EndpointTime(
            name,
            sum(seconds),
            sum(seconds) / measured if measured else 0.0,
            queries_per_request=queries[name] / under_way.repeats[name],
            source="test",
            failed=failed[name],
        )
        for name, seconds in lengths.items()
    ]
    return tuple(sorted(found, key=lambda test: -test.seconds))


def _loaded(requests: Sequence[Request]) -> list[EndpointTime]:
    latencies: defaultdict[str, list[float]] = defaultdict(list)
    for request in requests:
        latencies[request.endpoint].append(request.seconds)
    total = sum(map(sum, latencies.values()))
    loaded = []
    for name, seconds in latencies.items():
        marks = percentiles(seconds)
        if marks:
            loaded.append(
                EndpointTime(
                    name, sum(seconds), sum(seconds) / total if total else 0.0, len(seconds), *marks, source="load"
                )
            )
    return sorted(loaded, key=lambda endpoint: -endpoint.seconds)


def percentiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    """p50, p95 and p99 by the nearest rank (Hyndman and Fan, definition 1); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)

    def at(q: int) -> float:
        return ordered[max(0, -(-len(ordered) * q // 100) - 1)]

    return at(50), at(95), at(99)


def functions(times: Sequence[StackTime], recording: Recording) -> tuple[FunctionTime, ...]:
    """Functions by self time. Start-up frames below the request are left out of totals."""
    own: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    lines: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    origins: dict[tuple[str, str], str] = {}
    for time in times:
        frames = recording.stacks.expand(time.stack)[time.entry :]
        seen = set()
        for frame in frames:
            key = (frame.function, frame.file)
            if key not in seen:
                seen.add(key)
                total[key] += time.seconds  # type: ignore[assignment]
                lines[key][frame.line] += time.seconds * 1e-6  # type: ignore[assignment]
                origins[key] = frame.origin
        if frames:
            leaf = frames[-1]
            own[leaf.function, leaf.file] += time.seconds  # type: ignore[assignment]
            lines[leaf.function, leaf.file][leaf.line] += time.seconds  # type: ignore[assignment]
    found = []
    for key, seconds in total.items():
        file = recording.files.get(key[1])
        found.append(
            FunctionTime(
                function=key[0],
                file=key[1],
                line=lines[key].most_common(1)[0][0],
                self_seconds=float(own[key]),
                total_seconds=float(seconds),
                distribution=file.distribution if file else None,
                origin=origins[key],
            )
        )
    return tuple(sorted(found, key=lambda f: (-f.self_seconds, -f.total_seconds, f.file, f.function)))


def slices(times: Sequence[StackTime], recording: Recording, measured: float) -> tuple[Slice, ...]:
    """By the leaf: the project's own lines, libraries by name, waiting by kind. Small ones are `other`."""
    parts: Counter[str] = Counter()
    for time in times:
        parts[_slice_of(time, recording)] += time.seconds  # type: ignore[assignment]
    if not measured:
        return ()
    large = [(label, seconds / measured) for label, seconds in parts.most_common(5) if seconds / measured >= 0.02]
    rest = 1.0 - sum(share for _, share in large)
    return (*(Slice(label, share) for label, share in large), *((Slice("other", rest),) if rest > 0.005 else ()))


_SPAN_SLICES = {
    "<sql>": "database",
    "<transaction>": "database",
    "<connect>": "opening connections",
    "<pool>": "waiting for a connection",
    "<loop>": "waiting for the event loop",
    "<gc>": "garbage collection",
}


def _slice_of(time: StackTime, recording: Recording) -> str:
    if time.state == "awaiting":
        return "awaiting"
    if time.state == "span":
        kind = recording.stacks.expand(time.stack)[-1].file
        return _SPAN_SLICES.get(kind, kind.strip("<>"))
    if time.state == "lock":
        return "waiting for locks"
    if time.state == "idle":
        return "waiting for work"
    if time.state == "sleep":
        return "sleeping"
    if time.state == "io":
        return "database and I/O"
    frames = recording.stacks.expand(time.stack)
    leaf = next((frame for frame in reversed(frames) if not reads_a_clock(frame.file, frame.function)), None)
    if leaf is None:
        return "other"
    if leaf.origin == "app":
        return "project code"
    if leaf.file == PROBE or is_own_probe(leaf.file):
        return "perfkit's probe"
    file = recording.files.get(leaf.file)
    if file is not None and file.distribution:
        return file.distribution
    return "standard library" if leaf.origin == "stdlib" else "other libraries"
