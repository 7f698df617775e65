"""`perfkit run`: launch a command, measure it, report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def run(
    context: typer.Context,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND…", help="Anything that ends in Python.")
    ] = None,
    duration: o.Duration = None,
    load: o.Load_ = None,
    requests: o.Requests = None,
    concurrency: o.Concurrency = 4,
    while_: o.While = None,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    warmup: o.Warmup = 0.0,
    exclude: o.Exclude = None,
    engine: Annotated[
        str,
        o.flag(
            "--engine",
            help="py-spy, pyinstrument, cprofile, line-profiler, tachyon, memory-profiler or memray.",
            env="ENGINE",
            metavar="NAME",
        ),
    ] = "py-spy",
    probe: Annotated[
        bool,
        o.flag(
            "--probe/--no-probe", help="Time requests, statements and the event loop inside the target.", env="PROBE"
        ),
    ] = True,
    keep_literals: o.KeepLiterals = False,
    memory: o.Memory = False,
    tracemalloc: o.Tracemalloc = False,
    tracemalloc_frames: o.TracemallocFrames = None,
    lines: o.Lines = False,
    calls: o.Calls = False,
    dsn: o.Dsn = None,
    rate: o.Rate = 50.0,
    project: o.Project = None,
    path_map: o.PathMap = None,
    output: o.Output = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Launch a command, measure it, and report.

    The report follows when the command ends, or on Ctrl-C, SIGTERM or --duration.
    The target's output and exit code stay its own; perfkit speaks on stderr. 125: perfkit failed or nothing was measured,
    126: cannot execute, 127: not found.

    Examples:  perfkit run -- python app.py  ·  perfkit run --load http://127.0.0.1:8000/ -d 20 -- gunicorn shop.wsgi
    """
    _check(duration, rate, requests, concurrency, warmup, color, engine)
    o.check_load(context, load, ready)
    o.check_one_tracer(lines, calls)
    if (lines or calls) and (not probe or engine != "py-spy"):
        raise PerfkitError(
            f"--{'lines' if lines else 'calls'} counts inside the target, where the probe is.",
            "leave out " + ("--no-probe" if engine == "py-spy" else f"--engine {engine}"),
            USAGE,
        )
    outside = (
        None
        if probe and engine == "py-spy"
        else "leave out " + ("--no-probe" if engine == "py-spy" else f"--engine {engine}")
    )
    frames = o.frames_of(tracemalloc, tracemalloc_frames, memory=memory, outside=outside)
    from perfkit.targets.command import resolve_command

    target = resolve_command(command or [], Path.cwd(), os.environ)
    from perfkit.cli.measuring import measure_and_report
    from perfkit.pipeline import Options

    options = Options(
        engine=engine,
        probe=probe,
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
        workload=o.workload(load, requests, concurrency, while_, ready, ready_timeout),
    )
    code = measure_and_report(
        target, options, label=_label(target.argv), output=output, quiet=quiet, color=color, open_html=open_, dsn=dsn
    )
    raise typer.Exit(code)


run.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": False}}  # type: ignore[attr-defined]


def _check(
    duration: float | None, rate: float, requests: int | None, concurrency: int, warmup: float, color: str, engine: str
) -> None:
    o.check_color(color)
    o.at_least("--duration", duration, 0.1)
    o.at_least("--rate", rate, 1)
    o.at_least("--requests", requests, 1)
    o.at_least("--concurrency", concurrency, 1)
    o.at_least("--warmup", warmup, 0)
    from perfkit.collectors import ENGINES

    ENGINES.check(engine)


def _label(argv: tuple[str, ...]) -> str:
    """What the recording's file is called after: the script or module, rather than `python`."""
    names = [Path(word).stem for word in argv if not word.startswith("-")]
    interpreters = ("python", "pypy", "uv", "poetry", "pipenv", "env")
    return next(
        (name for name in names if not name.startswith(interpreters) and name != "run"), names[0] if names else "run"
    )
