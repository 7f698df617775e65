"""Weighs the samples against the kernel's accounting, and says what the machine took away from the target."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

from perfkit.analysis.rows import Rows
from perfkit.model.analysis import Analysis, Pressure, ProcessTime
from perfkit.model.recording import Recording, Usage
from perfkit.shared.units import plural

# Beyond this the sampled shares and the kernel's CPU accounting describe different things (docs: How far to trust it).
DISAGREEMENT = 0.25
FEW_SAMPLES = 100
# From this share on, time before the application takes a request up is most of what clients wait for.
QUEUED = 0.5
# From this share on, what nothing shows is more than a reader would take for granted.
AWAITED = 0.25


def process_times(recording: Recording) -> tuple[ProcessTime, ...]:
    readings: defaultdict[int, list[Usage]] = defaultdict(list)
    for row in recording.usage:
        readings[row.process].append(row)
    owner = {window.id: window.process for window in recording.windows}
    samples: Counter[int] = Counter()
    for window, n in zip(recording.samples.window, recording.samples.n, strict=True):
        samples[owner.get(window, 0)] += n
    found = []
    for process in recording.processes:
        rows = readings[process.id]
        found.append(
            ProcessTime(
                pid=process.pid,
                command=process.command,
                python=process.python,
                cpu=rows[-1].cpu - (rows[0].cpu if recording.run.mode == "attach" else 0.0) if rows else 0.0,
                peak_rss=max((row.rss for row in rows), default=0),
                peak_pss=max((row.pss for row in rows if row.pss is not None), default=None),
                samples=samples[process.id],
                threads=max((row.threads for row in rows), default=0),
            )
        )
    return tuple(found)


def pressure(recording: Recording, begin: float) -> Pressure | None:
    rows = [row for row in recording.machine if row.at >= begin] or list(recording.machine)
    if not rows:
        return None
    first, last = rows[0], rows[-1]
    span = max(last.at - first.at, 1e-9) if len(rows) > 1 else 0.0
    cores = recording.run.cores
    throttled = None
    if span and last.throttled is not None and first.throttled is not None and last.periods:
        throttled = min(1.0, (last.throttled - first.throttled) / span / _busy_cores(recording))
    return Pressure(
        load=sum(row.load for row in rows) / len(rows),
        cores=cores,
        busy=(last.busy - first.busy) / span / cores if span else 0.0,
        steal=(last.steal - first.steal) / span / cores if span else 0.0,
        throttled=throttled,
        runqueue=_runqueue(recording, begin),
    )


def _busy_cores(recording: Recording) -> int:
    """How many cores the target kept busy: the kernel adds throttled time up over them (sched-bwc.rst)."""
    cpu = [time.cpu for time in process_times(recording)]
    return max(1, min(recording.run.cores, sum(seconds >= 0.2 * sum(cpu) for seconds in cpu if seconds)))


def _runqueue(recording: Recording, begin: float) -> float | None:
    """Share of the time for which the target's threads were runnable that they waited for a CPU."""
    cpu = waited = 0.0
    rows: defaultdict[int, list[Usage]] = defaultdict(list)
    for row in recording.usage:
        if row.at >= begin and row.runqueue is not None:
            rows[row.process].append(row)
    for readings in rows.values():
        for earlier, later in pairwise(readings):
            cpu += max(0.0, later.cpu - earlier.cpu)
            waited += max(0.0, (later.runqueue or 0.0) - (earlier.runqueue or 0.0))
    return waited / (cpu + waited) if cpu + waited > 0.1 else None


def notes(analysis: Analysis, recording: Recording, rows: Rows) -> tuple[str, ...]:
    """What a reader must know before believing a number, one sentence each."""
    said = []
    machine = analysis.pressure
    if machine and machine.runqueue is not None and machine.runqueue > 0.15:
        said.append(
            f"Others had the CPU for {machine.runqueue:.0%} of the time in which the target could run (load "
            f"{machine.load:.1f} on {machine.cores} cores): work took about {1 / max(0.01, 1 - machine.runqueue):.1f} times as long as "
            "on a free core. Shares and ranks hold."
        )
    elif machine and machine.load > 1.5 * machine.cores:
        said.append(f"Load was {machine.load:.1f} on {machine.cores} cores: times may be high; shares and ranks hold.")
    if machine and machine.steal > 0.1:
        said.append(f"The hypervisor took {machine.steal:.0%} of the CPU: times are not comparable with other runs.")
    taken = sum(time.n for time in analysis.times)
    if 0 < taken < FEW_SAMPLES:
        where = "fell into requests" if analysis.kind == "server" else "were taken"
        said.append(
            f"Only {plural(taken, 'sample')} {where}: shares are rough. A longer run or more load narrows them."
        )
    awaited = sum(time.seconds for time in analysis.times if time.state == "awaiting")
    if awaited > AWAITED * analysis.measured:
        said.append(
            f"For {awaited / analysis.measured:.0%} of their time requests awaited what no thread shows and nothing timed "
            "(a call to another service, asyncio.sleep, a queue, their turn on the event loop): no finding covers it."
        )
    queued = _queued(analysis, recording)
    if queued:
        said.append(queued)
    disagreement = _disagreement(recording, rows)
    if disagreement and len(recording.samples):
        said.append(disagreement)
    if analysis.failed_requests:
        said.append(_failures(analysis, recording))
    if recording.run.engine != "py-spy":
        times = recording.run.engine != "tachyon" and analysis.measured
        inside = ", whose own cost is in the times it reports" if times else ""
        said.append(f"Measured by {recording.run.engine} alone{inside}.")
    return tuple(said)


def _queued(analysis: Analysis, recording: Recording) -> str | None:
    """What clients waited for beyond the requests as the probe timed them: their turn, above all. Findings cover none of it."""
    begin = (recording.run.ready_at or 0.0) + recording.run.warmup
    answered = [r for r in recording.requests if r.start >= begin and (r.source == "probe" or r.status)]
    waited = [request.seconds for request in answered if request.source == "load"]
    served = [request.seconds for request in answered if request.source == "probe"]
    outside = sum(waited) - sum(served)
    compared = analysis.kind == "server" and served and len(served) >= 0.8 * len(waited)
    if not compared or outside <= 0 or outside < QUEUED * sum(waited):
        return None
    return (
        f"Clients waited {sum(waited):,.0f} s, and the application had their requests for {sum(served):,.0f} s of that: "
        f"{outside / sum(waited):.0%} went by until a worker was free to take them. Quicker requests or more workers shorten it."
    )


def _failures(analysis: Analysis, recording: Recording) -> str:
    """How many requests of the load failed, and how the most frequent failure looked."""
    failed = [(r.endpoint, r.status) for r in recording.requests if r.status == 0 or r.status >= 400]
    (endpoint, status), n = Counter(failed).most_common(1)[0]
    answer = f"status {status}" if status else "no answer"
    said = f"{analysis.failed_requests:,} of {analysis.requests:,} requests of the load failed: {endpoint} gave {answer} {n:,} times."
    everything = analysis.failed_requests == analysis.requests
    return said + (" What was measured is how the application says no." if everything else "")


def _disagreement(recording: Recording, rows: Rows) -> str | None:
    """Sampled running time against what the kernel counted.

    The kernel's CPU time of whole processes must not exceed what samples saw running. The other way round only threads
    are compared whose own accounting was read (short-lived ones are gone by then); a thread that waits for a CPU may stand
    at a line that runs, so its run-queue time counts as running.
    """
    sampled = sum(sum(stacks.values()) for stacks in rows.running.values())
    cpu = sum(time.cpu for time in process_times(recording))
    in_c = sum(sum(stacks.values()) for stacks in rows.waiting_busy.values())  # databases like SQLite compute in there
    if cpu > 1.0 and cpu > (sampled + in_c) * (1 + DISAGREEMENT):
        return (
            f"The kernel counted {cpu:.1f} s of CPU where samples show {sampled:.1f} s of running code: part of the work "
            "happens in threads or moments that samples do not see."
        )
    known = {(row.window, row.thread): row.cpu + row.runqueue for row in recording.thread_usage}
    seen = sum(seconds for key, seconds in rows.running_by_thread.items() if key in known)
    kernel = sum(known[key] for key in rows.running_by_thread if key in known)
    if seen > 1.0 and seen > kernel * (1 + DISAGREEMENT):
        return (
            f"Samples show code running for {seen:.1f} s where the kernel counted {kernel:.1f} s of CPU: the rest was "
            "waiting inside C code (database drivers, system calls) or for the interpreter lock."
        )
    return None
