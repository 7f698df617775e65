"""`perfkit attach`: measure a process that is already running."""

from __future__ import annotations

from typing import Annotated

import typer

from perfkit.cli import options as o


def attach(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A pid, :PORT, or a name.")],
    duration: o.Duration = 30.0,
    load: o.Load_ = None,
    requests: o.Requests = None,
    concurrency: o.Concurrency = 4,
    while_: o.While = None,
    warmup: o.Warmup = 0.0,
    exclude: o.Exclude = None,
    sql: o.Sql = False,
    keep_literals: o.KeepLiterals = False,
    memory: o.Memory = False,
    tracemalloc: o.Tracemalloc = False,
    tracemalloc_frames: o.TracemallocFrames = None,
    lines: o.Lines = False,
    calls: o.Calls = False,
    yes: o.Yes = False,
    rate: o.Rate = 50.0,
    project: o.Project = None,
    path_map: o.PathMap = None,
    output: o.Output = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Measure a running process and its workers.

    From outside, for 30 seconds or until Ctrl-C. It runs on. With --sql, --lines or --calls code is brought into it, and
    taken out again.

    Examples:  perfkit attach :8000  ·  perfkit attach gunicorn --sql  ·  perfkit attach 811 --duration 60
    """
    o.check_color(color)
    o.at_least("--duration", duration, 0.1)
    o.at_least("--rate", rate, 1)
    o.at_least("--requests", requests, 1)
    o.at_least("--concurrency", concurrency, 1)
    o.check_load(context, load)
    o.check_one_tracer(lines, calls)
    frames = o.frames_of(
        tracemalloc, tracemalloc_frames, memory=memory, outside=None if sql else "add --sql, which brings the probe in"
    )
    from perfkit.targets import resolve_running

    found = resolve_running(target)
    if (sql or lines or calls) and not yes:
        from perfkit.cli.asking import ask

        ask(found, sql=sql, lines=lines, calls=calls, tracemalloc=tracemalloc)
    from perfkit.cli.measuring import measure_and_report
    from perfkit.pipeline import Options

    options = Options(
        sql=sql,
        keep_literals=keep_literals,
        memory=memory,
        tracemalloc=frames,
        lines=lines,
        calls=calls,
        rate=rate,
        duration=duration,
        warmup=warmup,
        exclude=tuple(exclude or ()),
        project=tuple(project or ()),
        path_map=o.path_maps(path_map),
        workload=o.workload(load, requests, concurrency, while_),
    )
    code = measure_and_report(
        found, options, label=f"attach-{target.lstrip(':')}", output=output, quiet=quiet, color=color, open_html=open_
    )
    raise typer.Exit(code)
