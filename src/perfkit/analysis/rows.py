"""Sampled seconds sorted by what they are: request time, start-up, background work, idling; the raw material of an analysis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from perfkit.analysis.clusters import Clusters, command_process
from perfkit.analysis.inside import is_excluded
from perfkit.analysis.stackfacts import Facts, LeafState
from perfkit.model.analysis import Kind, StackState, StackTime
from perfkit.model.recording import Process, Recording, Sample, Window

# A thread that computes gets more of a CPU than this share of the time for which it seems to run.
ASLEEP = 0.05


@dataclass
class Owned:
    """Seconds of one stack under construction."""

    seconds: float = 0.0
    n: int = 0
    clusters: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, seconds: float, n: int, cluster: int) -> None:
        self.seconds += seconds
        self.n += n
        self.clusters[cluster] += seconds


@dataclass
class Rows:
    """`measured` by stack; the rest in seconds. `detached` is what an event loop's thread ran in greenlets, whose stacks do
    not show the task. `lock_waits` and `running` are per window, for charging waits to holders."""

    measured: defaultdict[int, Owned] = field(default_factory=lambda: defaultdict(Owned))
    startup: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    idle: float = 0.0
    background: float = 0.0
    detached: float = 0.0
    excluded: float = 0.0
    running: defaultdict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    running_by_thread: defaultdict[tuple[int, int], float] = field(default_factory=lambda: defaultdict(float))
    waiting_busy: defaultdict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    request_running: defaultdict[int, defaultdict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    samples: int = 0
    first_request: float | None = None


def kind_of(recording: Recording, facts: Facts) -> Kind:
    """A server hands requests in from outside; a program that drives its own test client is a script."""
    from_server = from_client = 0.0
    samples = recording.samples
    for stack, seconds in zip(samples.stack, samples.seconds, strict=True):
        fact = facts.of(stack)
        if fact.request is not None and not fact.pooled:
            if fact.by_test_client:
                from_client += seconds
            else:
                from_server += seconds
    return "server" if from_server > from_client else "script"


def server_rows(recording: Recording, facts: Facts, serving_from: float) -> Rows:
    """Request-seconds: every thread inside a request counts its wall time, whatever it waits for."""
    rows = Rows()
    windows = {window.id: window for window in recording.windows}
    asleep = _asleep(recording, facts)
    facts.asynchronous = _asynchronous_processes(recording, facts, windows)
    loops = _loop_threads(recording, facts)
    for sample in recording.samples:
        window = windows[sample.window]
        if window.kind != "wall":
            continue
        rows.samples += sample.n
        fact = facts.of(sample.stack)
        in_request = facts.in_request(sample.stack, window.process)
        idle = fact.leaf != "running" or (not in_request and (sample.window, sample.thread) in asleep)
        if in_request and not (fact.pooled and fact.leaf == "idle"):
            if window.start < serving_from:
                continue
            if is_excluded(fact.endpoint, recording.run.exclude):
                rows.excluded += sample.seconds
                continue
            rows.first_request = window.start if rows.first_request is None else rows.first_request
            rows.measured[sample.stack].add(sample.seconds, sample.n, sample.window)
            if not idle:
                rows.request_running[sample.window][sample.thread] += sample.seconds
        elif idle or in_request:
            rows.idle += sample.seconds
        elif _imports(recording, sample.stack):
            rows.startup[sample.stack] += sample.seconds
        elif window.start >= serving_from:
            rows.background += sample.seconds
            if sample.thread in loops and not fact.event_loop:
                rows.detached += sample.seconds
        _note_busy(rows, sample, fact.leaf)
    return rows


def _note_busy(rows: Rows, sample: Sample, leaf: LeafState) -> None:
    """Remember who ran, and who might have held a lock while it waited for something else."""
    if leaf == "running":
        rows.running_by_thread[sample.window, sample.thread] += sample.seconds
    for wanted, table in ((("running",), rows.running), (("io", "sleep"), rows.waiting_busy)):
        if leaf in wanted:
            seen = table[sample.window]
            seen[sample.stack] = seen.get(sample.stack, 0.0) + sample.seconds


Share = tuple[int, float, int]


def script_rows(recording: Recording, facts: Facts, measured_from: float) -> Rows:
    """Wall seconds of the first process: its main thread's own, and where that waits, those of whoever works meanwhile."""
    rows = Rows()
    windows = {window.id: window for window in recording.windows}
    command = command_process(recording)
    main = _main_threads(recording, command)
    asleep = _asleep(recording, facts)
    ran: defaultdict[int, list[Share]] = defaultdict(list)
    stood: defaultdict[int, list[Share]] = defaultdict(list)
    waiting: defaultdict[int, list[Share]] = defaultdict(list)
    clusters = Clusters(recording, command)
    for sample in recording.samples:
        window = windows[sample.window]
        if window.kind != "wall" or window.start < measured_from:
            continue
        rows.samples += sample.n
        leaf = facts.of(sample.stack).leaf
        cluster = clusters.at(window)
        share = (sample.stack, sample.seconds, sample.n)
        if sample.thread in main:
            if leaf in ("idle", "lock"):
                waiting[cluster].append(share)
            else:
                rows.measured[sample.stack].add(sample.seconds, sample.n, cluster)
        elif leaf == "running" and (sample.window, sample.thread) not in asleep:
            ran[cluster].append(share)
        elif leaf in ("io", "sleep") and any(f.origin == "app" for f in recording.stacks.expand(sample.stack)):
            stood[cluster].append(share)
        else:
            rows.idle += sample.seconds
            continue
        _note_busy(rows, sample, leaf)
    if not main:
        _without_main(rows, ran, clusters)
    else:
        _share_waiting(rows, waiting, (ran, stood))
    return rows


def _share_waiting(
    rows: Rows, waiting: defaultdict[int, list[Share]], others: Sequence[defaultdict[int, list[Share]]]
) -> None:
    """Divide the time for which the main thread waited among the threads and processes that ran, then among those that
    themselves waited for something outside; the rest stays the main thread's own."""
    for cluster in set(waiting).union(*others):
        waited = left = sum(seconds for _, seconds, _ in waiting[cluster])
        for group in others:
            total = sum(seconds for _, seconds, _ in group[cluster])
            taken = min(left, total)
            for stack, seconds, n in group[cluster] if taken > 0 else ():
                rows.measured[stack].add(seconds * taken / total, n, cluster)
            rows.background += total - taken
            left -= taken
        for stack, seconds, n in waiting[cluster] if left > 0 else ():
            rows.measured[stack].add(seconds * left / waited, n, cluster)


def _asleep(recording: Recording, facts: Facts) -> set[tuple[int, int]]:
    """Threads that the kernel gave next to no CPU during a window, whatever their frames look like: a call of C code that
    waits has no frame of its own."""
    seemed: defaultdict[tuple[int, int], float] = defaultdict(float)
    samples = recording.samples
    for window, thread, stack, seconds in zip(
        samples.window, samples.thread, samples.stack, samples.seconds, strict=True
    ):
        if facts.of(stack).leaf == "running":
            seemed[window, thread] += seconds
    used = {(row.window, row.thread): row.cpu for row in recording.thread_usage}
    return {key for key, seconds in seemed.items() if key in used and used[key] < ASLEEP * seconds}


def _without_main(rows: Rows, others: defaultdict[int, list[Share]], clusters: Clusters) -> None:
    """The command itself is not Python (a shell script): wall time is divided among the Python processes below it."""
    for cluster, samples in others.items():
        ran = sum(seconds for _, seconds, _ in samples)
        scale = min(1.0, clusters.length(cluster) / ran) if ran else 0.0
        for stack, seconds, n in samples:
            rows.measured[stack].add(seconds * scale, n, cluster)


def _main_threads(recording: Recording, command: Process | None) -> set[int]:
    if command is None:
        return set()
    named = [t for t in recording.threads if t.process == command.id]
    return {thread.id for thread in named if thread.tid == command.pid or thread.name == "MainThread"}


def _loop_threads(recording: Recording, facts: Facts) -> set[int]:
    pairs = zip(recording.samples.thread, recording.samples.stack, strict=True)
    return {thread for thread, stack in pairs if facts.of(stack).event_loop}


def _asynchronous_processes(recording: Recording, facts: Facts, windows: dict[int, Window]) -> set[int]:
    pairs = zip(recording.samples.window, recording.samples.stack, strict=True)
    return {windows[window].process for window, stack in pairs if facts.of(stack).event_loop}


def _imports(recording: Recording, stack: int) -> bool:
    return any(
        frame.function.endswith("_call_with_frames_removed") and frame.file.startswith("<frozen")
        for frame in recording.stacks.expand(stack)
    )


def stack_times(rows: Rows, facts: Facts, labels: dict[str, str]) -> tuple[StackTime, ...]:
    """The measured rows as values, most seconds first."""
    times = []
    for stack, owned in rows.measured.items():
        fact = facts.of(stack)
        state: StackState = facts.waiting(stack) if fact.leaf == "idle" else fact.leaf
        times.append(
            StackTime(
                stack=stack,
                seconds=owned.seconds,
                n=owned.n,
                endpoint=fact.endpoint and labels.get(fact.endpoint, fact.endpoint),
                entry=fact.request if fact.request is not None else fact.worker,
                state=state,
                clusters=dict(owned.clusters),
            )
        )
    return tuple(sorted(times, key=lambda time: (-time.seconds, time.stack)))
