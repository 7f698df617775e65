"""Room 5: a Recording comes in, an Analysis goes out. Pure: nothing is read, nothing is written.

- `analyse` puts it together; `rows` sorts sampled seconds, `stackfacts` reads single stacks, `waits` charges waiting,
  `tables` adds up endpoints and functions, `machine` weighs the kernel's accounting, `calls` reads deterministic profiles.
- What the probe timed: `inside` charges spans, blocks and collections (`intervals`, `inflight`, `uses`), `division` gives the
  samples what is left.
- `memory` weighs what was followed with --memory, with the slopes of `trends`; `zoom` adds up single lines.
- What a database logged: `logs` has one stack a statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perfkit.analysis import callers, calls, clusters, division, inside, logs, machine, memory, tables, waits, zoom
from perfkit.analysis.rows import Rows, kind_of, script_rows, server_rows, stack_times
from perfkit.analysis.stackfacts import Facts
from perfkit.model.analysis import AWAITING, Analysis
from perfkit.model.recording import Gap, Recording, Request
from perfkit.shared.codeline import Lines
from perfkit.shared.origin import NOT_FOUND

__all__ = ["analyse"]

# More than this of the running time is missed where it is not in requests.
DETACHED = 0.1


def analyse(recording: Recording) -> Analysis:
    """The measured part of a recording, divided by stack. An empty recording gives an analysis that measured 0 seconds."""
    if recording.run.mode == "sql":
        return logs.analyse(recording)
    if recording.calls and not len(recording.samples):
        recording = calls.as_samples(recording)
    lines = Lines(recording.sources)
    searched = any(name.text.endswith(NOT_FOUND) for name in recording.names.values())
    facts = Facts(recording.stacks, recording.files, lines, searched, _asking(recording))
    kind = kind_of(recording, facts)
    begin = (recording.run.ready_at or 0.0) + recording.run.warmup
    rows = server_rows(recording, facts, begin) if kind == "server" else script_rows(recording, facts, begin)
    labels = tables.endpoint_labels(rows, recording, facts)
    times = stack_times(rows, facts, labels)
    cluster, cluster_of = clusters.of(recording, kind)
    probed = inside.read(recording, begin, kind, cluster)
    if probed is not None:
        times = division.divide(division.clustered(times, cluster_of), probed, recording, facts, kind)
    measured = sum(time.seconds for time in times)
    counted = _loaded(recording, begin)
    timed = probed.requests if probed is not None and kind == "server" else ()
    requests = len(timed) or len(counted)
    analysis = Analysis(
        run=recording.run,
        kind=kind,
        unit="request-seconds" if kind == "server" else "wall seconds",
        measured=measured,
        serving_seconds=max(0.0, recording.run.duration - max(begin, rows.first_request or 0.0)),
        startup_seconds=sum(rows.startup.values()),
        idle_seconds=rows.idle,
        background_seconds=rows.background,
        stacks=recording.stacks,
        times=times,
        startup=dict(rows.startup),
        holders=waits.holders(recording, facts, begin),
        blocked=waits.blocked(recording, rows, times, facts, lines),
        gil_wait=waits.gil_wait(recording, rows),
        endpoints=(
            *tables.endpoints(times, measured, counted, timed, probed.uses if probed else (), kind),
            *tables.tests(recording, begin, measured),
        ),
        functions=tables.functions(times, recording),
        slices=tables.slices(times, recording, measured),
        processes=recording.processes,
        process_times=machine.process_times(recording),
        pressure=machine.pressure(recording, begin),
        files=recording.files,
        sources=recording.sources,
        uses=probed.uses if probed else (),
        calls=callers.profile(recording),
        counted=callers.read(recording),
        log=recording.log,
        plans=recording.plans,
        not_planned=recording.not_planned,
        memory=memory.read(recording, begin),
        zoomed=zoom.read(recording),
        requests=requests or None,
        latency=tables.percentiles([request.seconds for request in counted or timed if request.status]),
        # Of those that were under way at the end clients saw some fail that the probe did not see begin.
        failed_requests=min(requests, sum(1 for request in counted or timed if tables.has_failed(request))),
        samples=rows.samples,
        windows=sum(1 for window in recording.windows if window.kind == "wall"),
        gaps=recording.gaps,
    )
    return replace(analysis, notes=machine.notes(analysis, recording, rows), gaps=_gaps(analysis, timed, rows))


def _asking(recording: Recording) -> frozenset[tuple[str, int]]:
    """Lines (file, line) from which timed statements came."""
    spans = recording.spans
    stacks = {stack for kind, stack in set(zip(spans.kind, spans.stack, strict=True)) if kind in ("sql", "transaction")}
    sites = (recording.stacks.expand(stack)[-1:] for stack in stacks)
    return frozenset((frame.file, frame.line) for site in sites for frame in site)


def _loaded(recording: Recording, begin: float) -> list[Request]:
    """Requests of perfkit's own clients. They go on until the target has stopped, which is after the measurement."""
    end = recording.run.duration or float("inf")
    sent = (request for request in recording.requests if request.source == "load")
    return [request for request in sent if begin <= request.start and request.start + request.seconds <= end]


def _gaps(analysis: Analysis, timed: Sequence[Request], rows: Rows) -> tuple[Gap, ...]:
    gaps = list(analysis.gaps)
    if not analysis.run.sealed:
        gaps.append(
            Gap(
                f"everything after {analysis.run.duration:.0f} s",
                "perfkit was ended before it could finish the recording",
                "measure again",
            )
        )
    served = sum(seconds for threads in rows.request_running.values() for seconds in threads.values())
    if rows.detached > DETACHED * (rows.detached + served):
        gaps.append(
            Gap(
                f"the requests of {rows.detached:.1f} s of an event loop's thread",
                "what runs in a greenlet (SQLAlchemy's asyncio does) has no request on its stack",
                "its statements are timed; a synchronous Session in a thread shows the rest",
            )
        )
    unknown = _unknown_framework(analysis, timed)
    if unknown is not None:
        gaps.append(unknown)
    if analysis.kind == "server" and not timed and _has_event_loop(analysis):
        gaps.append(
            Gap(
                AWAITING,
                "a waiting coroutine is on no thread's stack",
                "compare with the latencies of --load",
            )
        )
    return tuple(gaps)


def _unknown_framework(analysis: Analysis, timed: Sequence[Request]) -> Gap | None:
    """Requests that samples saw and the probe did not, or without their routes."""
    told = any(gap.what.startswith("requests, routes") for gap in analysis.gaps)
    if analysis.kind != "server" or analysis.run.mode != "run" or analysis.run.engine != "py-spy" or told:
        return None
    remedy = "handlers stand for endpoints; docs/concepts/the-probe.md tells what the probe knows"
    if not timed:
        return Gap(
            "exact requests and their statements", "the probe knows neither the server nor the framework", remedy
        )
    routed = sum(request.seconds for request in timed if request.route is not None)
    if routed > 0.5 * sum(request.seconds for request in timed):
        return None
    return Gap("the routes of requests", "no framework that the probe knows dispatches them", remedy)


def _has_event_loop(analysis: Analysis) -> bool:
    return any(
        frame.file.endswith(("asyncio/base_events.py", "asyncio/runners.py", "uvloop/__init__.py"))
        for time in analysis.times[:50]
        for frame in analysis.stacks.expand(time.stack)
    )
