"""Memory of a recording: readings, jumps and containers come in, processes with their trends, what grows and what leaps go out.

Containers are read in `memory_containers`, heaps in `memory_heaps`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from perfkit.analysis import allocations, memory_containers, memory_heaps, memory_lines
from perfkit.analysis.trends import floor_of, shares, trend
from perfkit.model.growth import Jump, Memory, ProcessMemory
from perfkit.model.memory import MemoryUse, Rise
from perfkit.model.recording import Process, Recording, Request

# What a server takes in its first seconds is its warm-up: imports, pools, compiled templates.
WARM_UP = 5.0
_SHOWN = 240
_STRETCHES = 120
# Looks at a process that are further apart belong to different jumps.
_APART = 1.0
_BIN = 2.0


def read(recording: Recording, begin: float) -> Memory | None:
    """None where memory was not followed. `begin` is the second from which on the target is measured."""
    if not recording.memory:
        return None
    by_process: defaultdict[int, list[MemoryUse]] = defaultdict(list)
    for reading in recording.memory:
        by_process[reading.process].append(reading)
    requests = _requests(recording)
    cpu = _cpu(recording)
    jumps = _jumps(recording, by_process)
    heaps = memory_heaps.read(
        recording.heaps, recording.processes, lambda process: _warm(by_process.get(process, []), begin)
    )
    needed = {heap.process: heap.growth.needed for heap in heaps if heap.growth is not None}
    processes = tuple(
        replace(
            _process(process, by_process[process.id], requests.get(process.id, []), begin, cpu.get(process.id, [])),
            needed=needed.get(process.id),
        )
        for process in recording.processes
        if by_process[process.id]
    )
    total = _total(by_process)
    return Memory(
        processes=processes,
        growing=memory_containers.read(recording.containers, requests, begin),
        jumps=tuple(jump for jump in jumps if jump.at >= begin),
        early=tuple(jump for jump in jumps if jump.at < begin),
        limit=recording.run.memory_limit,
        total=total,
        requests=_ended(recording, total),
        lines=memory_lines.read(recording.line_bytes),
        allocated=allocations.read(recording.allocations, recording.stacks, requests),
        heaps=heaps,
        garbage=tuple(found for found in recording.garbage if found.at >= begin),
        imports=recording.imports,
    )


def _ended(recording: Recording, total: Sequence[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    """Of all processes, as the probe counted them, else perfkit's own clients; empty where nobody did."""
    sources = {request.source for request in recording.requests}
    if len(total) < 2 or not sources:
        return ()
    source = "probe" if "probe" in sources else "load"
    begin, end = total[0][0], total[-1][0]
    width = (end - begin) / min(_STRETCHES, max(1, int(end - begin)))
    found: Counter[int] = Counter()
    for request in recording.requests:
        at = request.start + request.seconds
        if request.source == source and begin <= at < end:
            found[int((at - begin) / width)] += 1
    return tuple((begin + number * width, found[number]) for number in range(round((end - begin) / width)))


def _warm(uses: Sequence[MemoryUse], begin: float) -> float:
    """The second from which on a process counts."""
    return max(begin, uses[0].at if uses else 0.0) + WARM_UP


def _cpu(recording: Recording) -> dict[int, list[tuple[float, float]]]:
    found: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for usage in recording.usage:
        found[usage.process].append((usage.at, usage.cpu))
    return dict(found)


def _requests(recording: Recording) -> dict[int, list[Request]]:
    found: defaultdict[int, list[Request]] = defaultdict(list)
    for request in recording.requests:
        if request.source == "probe" and request.process is not None:
            found[request.process].append(request)
    return dict(found)


def _process(
    process: Process,
    uses: Sequence[MemoryUse],
    requests: Sequence[Request],
    begin: float,
    cpu: Sequence[tuple[float, float]],
) -> ProcessMemory:
    readings = [(use.at, use.rss) for use in uses]
    warm = _warm(uses, begin)
    floor = floor_of(readings, warm)
    worked = [use for use in uses if use.given is not None and use.at >= warm]
    given = [(use.at, use.given or 0) for use in worked]
    used = [seconds for at, seconds in cpu if at >= warm]
    peak = max(uses, key=lambda use: use.rss)
    return ProcessMemory(
        process=process.id,
        pid=process.pid,
        command=process.command,
        first=readings[0][1],
        last=readings[-1][1],
        peak=peak.rss,
        peak_at=peak.at,
        peak_pss=max((use.pss for use in uses if use.pss is not None), default=None),
        readings=tuple(readings[:: max(1, len(readings) // _SHOWN)]),
        trend=trend(floor),
        requests=sum(request.start + request.seconds >= warm for request in requests),
        bytes_by_endpoint=_by_endpoint(floor, requests),
        private=next((use.private for use in reversed(uses) if use.private is not None), None),
        given=given[-1][1] - given[0][1] if given else 0,
        given_by_endpoint=_by_endpoint(floor_of(given, warm), requests),
        followed=given[-1][0] - given[0][0] if given else 0.0,
        kernel=(worked[-1].system or 0.0) - (worked[0].system or 0.0) if worked else 0.0,
        cpu=used[-1] - used[0] if used else 0.0,
    )


def _by_endpoint(floor: Sequence[tuple[float, int]], requests: Sequence[Request]) -> dict[str, float]:
    """Bytes that a request of each endpoint left behind, from how memory grew while they came and went."""
    points = floor[:: int(_BIN)]
    if len(points) < 10:
        return {}
    edges = [at for at, _ in points]
    ended: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for request in requests:
        at = int((request.start + request.seconds - edges[0]) // _BIN)
        if 0 <= at < len(points) - 1:
            ended[request.endpoint][at] += 1
    growth = [late[1] - early[1] for early, late in pairwise(points)]
    return shares(growth, {name: [found[at] for at in range(len(growth))] for name, found in ended.items()})


def _jumps(recording: Recording, by_process: dict[int, list[MemoryUse]]) -> tuple[Jump, ...]:
    groups: list[list[Rise]] = []
    for rise in sorted(recording.rises, key=lambda rise: (rise.process, rise.at)):
        last = groups[-1][-1] if groups else None
        if last is None or last.process != rise.process or rise.at - last.at > _APART or rise.rss < last.rss:
            groups.append([])
        groups[-1].append(rise)
    return tuple(_jump(group, by_process[group[0].process]) for group in groups)


def _jump(rises: Sequence[Rise], uses: Sequence[MemoryUse]) -> Jump:
    first, last = rises[0], rises[-1]
    near = [use.rss for use in uses if first.at <= use.at <= last.at + _APART]
    # The last look may find the process at giving it back.
    (stack, _), *_ = Counter(rise.stack for rise in rises).most_common(1)
    return Jump(first.at, first.process, first.before, max([last.rss, *near]), stack, len(rises))


def _total(by_process: dict[int, list[MemoryUse]]) -> tuple[tuple[float, int], ...]:
    """Of all processes together, each second: PSS where it is known, so that what they share counts once."""
    seconds: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for process, uses in by_process.items():
        others = 0  # bytes that are shared, as far as others pay for them
        for use in uses:
            if use.pss is not None:
                others = use.rss - use.pss
            second = seconds[int(use.at)]
            second[process] = max(second.get(process, 0), use.rss - others)
    return tuple((float(second), sum(found.values())) for second, found in sorted(seconds.items()))
