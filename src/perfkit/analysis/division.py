"""Samples divide what spans left over: sampled stacks and what the probe timed come in, one set of stacks goes out.

Its seconds sum to what was measured: every request that the probe timed, and whatever lies outside of those requests (the
server's own work, processes without a probe).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from perfkit.analysis.inside import Inside
from perfkit.analysis.stackfacts import Facts
from perfkit.model.analysis import Kind, StackTime
from perfkit.model.recording import Frame, Recording
from perfkit.shared.origin import PROBE, ROUTE

# Requests that last longer than this, compared with what samples saw of them, wait where no thread shows it.
STRETCH = 1.5
AWAITED = Frame("awaiting", "<awaited>", 0, "native")


def divide(
    times: Sequence[StackTime], inside: Inside, recording: Recording, facts: Facts, kind: Kind
) -> tuple[StackTime, ...]:
    """All measured seconds by stack, most first. `times` are sampled, with clusters as `inside` has them."""
    script = kind == "script"
    divided = _script(times, inside, facts) if script else _server(times, inside, recording, facts)
    return tuple(sorted(divided, key=lambda time: (-time.seconds, time.stack)))


def clustered(times: Sequence[StackTime], cluster_of: Callable[[int], int]) -> list[StackTime]:
    """The same with other clusters: `cluster_of` a window."""
    moved = []
    for time in times:
        clusters: defaultdict[int, float] = defaultdict(float)
        for window, seconds in time.clusters.items():
            clusters[cluster_of(window)] += seconds
        moved.append(replace(time, clusters=dict(clusters)))
    return moved


def _script(times: Sequence[StackTime], inside: Inside, facts: Facts) -> list[StackTime]:
    """The run's wall seconds stay what they are. Spans own what samples saw of them, or, where threads do not overlap, their
    exact seconds."""
    measured = sum(time.seconds for time in times)
    plain = [time for time in times if not facts.of(time.stack).spanned]
    seen = measured - sum(time.seconds for time in plain)
    if not inside.owned:
        return list(times)
    alone = inside.owned <= measured and abs(inside.owned - seen) <= 0.25 * max(inside.owned, seen) + 0.05 * measured
    factor = 1.0 if alone else min(1.0, seen / inside.owned)
    rest = measured - inside.owned * factor
    scale = rest / (measured - seen) if measured > seen else 0.0
    rows = [_scaled(time, scale) for time in plain] + [_scaled(row, factor) for row in inside.rows]
    if not plain and rest > 0:
        return list(times)
    return [row for row in rows if row.seconds > 0]


def _server(times: Sequence[StackTime], inside: Inside, recording: Recording, facts: Facts) -> list[StackTime]:
    probed = [time for time in times if facts.of(time.stack).probed]
    others = [time for time in times if not facts.of(time.stack).probed]
    plain = _without_blocked([time for time in probed if not facts.of(time.stack).spanned], inside, recording)
    seen = sum(time.seconds for time in plain)
    left = sum(inside.remainder.values())
    scale = left / seen if seen and (left <= STRETCH * seen or not _may_await(probed, inside, recording)) else 1.0
    rows = [*others, *(_scaled(time, scale) for time in plain), *inside.rows]
    if left > scale * seen:
        rows.extend(_awaited(plain, inside, recording, left - scale * seen))
    return [row for row in rows if row.seconds > 0]


def _may_await(probed: Sequence[StackTime], inside: Inside, recording: Recording) -> bool:
    """Whether requests can be on no thread's stack: coroutines and greenlets can, threads cannot."""
    if any(request.kind == "asgi" for request in inside.requests):
        return True
    frames = (frame for time in probed for frame in recording.stacks.expand(time.stack))
    return any("/gevent/" in frame.file or "/eventlet/" in frame.file or "/asyncio/" in frame.file for frame in frames)


def _scaled(time: StackTime, factor: float) -> StackTime:
    if factor == 1.0:
        return time
    clusters = {cluster: seconds * factor for cluster, seconds in time.clusters.items()}
    return replace(time, seconds=time.seconds * factor, clusters=clusters)


def _without_blocked(times: list[StackTime], inside: Inside, recording: Recording) -> list[StackTime]:
    """Samples of the stretches in which the loop was blocked: those seconds are charged as blocks already."""
    if not inside.blocked:
        return times
    owners = {time.stack: _innermost_project(time, recording) for time in times}
    sampled: defaultdict[tuple[str, str], float] = defaultdict(float)
    for time in times:
        owner = owners[time.stack]
        if owner is not None:
            sampled[owner] += time.seconds
    kept = []
    for time in times:
        owner = owners[time.stack]
        blocked = inside.blocked.get(owner, 0.0) if owner is not None else 0.0
        kept.append(_scaled(time, 1.0 - min(1.0, blocked / sampled[owner])) if owner and blocked else time)
    return kept


def _innermost_project(time: StackTime, recording: Recording) -> tuple[str, str] | None:
    frames = recording.stacks.expand(time.stack)
    return next(((f.file, f.function) for f in reversed(frames) if f.origin == "app"), None)


def _awaited(plain: Sequence[StackTime], inside: Inside, recording: Recording, seconds: float) -> list[StackTime]:
    """Time for which requests were on no thread's stack, by endpoint: what they lasted less what was seen of them."""
    seen: defaultdict[str | None, float] = defaultdict(float)
    for time in plain:
        seen[time.endpoint] += time.seconds
    missing = {name: max(0.0, left - seen[name]) for name, left in inside.remainder.items()}
    total = sum(missing.values())
    if not total:
        return []
    pieces: defaultdict[int, float] = defaultdict(float)
    for row in (*plain, *inside.rows):
        for cluster, spent in row.clusters.items():
            pieces[cluster] += spent
    whole = sum(pieces.values())
    spread = {cluster: spent / whole for cluster, spent in pieces.items()} if whole else {0: 1.0}
    rows = []
    for name, part in missing.items():
        own = seconds * part / total
        route = (Frame(ROUTE + name, PROBE, 1, "native"),) if name is not None else ()
        clusters = {cluster: own * fraction for cluster, fraction in spread.items()}
        stack = recording.stacks.intern((*route, AWAITED))
        rows.append(StackTime(stack, own, 0, name, 0, "awaiting", clusters, True))
    return rows
