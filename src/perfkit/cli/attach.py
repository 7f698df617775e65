"""`perfkit attach`: measure a process that is already running."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.target import RunningProcess


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
    sql: Annotated[
        bool,
        o.flag(
            "--sql",
            help="Bring the probe in: requests, routes, statements, blocked loops; with --memory, what grows.",
            env="SQL",
        ),
    ] = False,
    keep_literals: o.KeepLiterals = False,
    memory: o.Memory = False,
    lines: o.Lines = False,
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

    From outside, for 30 seconds or until Ctrl-C. It runs on. With --sql or --lines code is brought into it, and taken out again.

    Examples:  perfkit attach :8000  ·  perfkit attach gunicorn --sql  ·  perfkit attach 811 --duration 60
    """
    o.check_color(color)
    o.at_least("--duration", duration, 0.1)
    o.at_least("--rate", rate, 1)
    o.at_least("--requests", requests, 1)
    o.at_least("--concurrency", concurrency, 1)
    o.check_load(context, load)
    from perfkit.targets import resolve_running

    found = resolve_running(target)
    if (sql or lines) and not yes:
        _ask(found, sql, lines)
    from perfkit.cli.measuring import measure_and_report
    from perfkit.pipeline import Options

    options = Options(
        sql=sql,
        keep_literals=keep_literals,
        memory=memory,
        lines=lines,
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


def _ask(process: RunningProcess, sql: bool, lines: bool) -> None:
    """Raises PerfkitError (2) where nobody is there to answer, or the answer is no."""
    given = " and ".join(name for name, wanted in (("--sql", sql), ("--lines", lines)) if wanted)
    if not sys.stdin.isatty():
        raise PerfkitError(
            f"{given} {'bring' if sql and lines else 'brings'} code into a running process, and nobody is there to be asked.",
            "add --yes to allow it",
            USAGE,
        )
    from perfkit.cli.console import say

    what = "follows its requests and statements" if sql else "counts the lines of its hottest functions"
    say(f"perfkit  will stop {process.description} for some milliseconds, and let it load what {what}.")
    say("         That is taken out again when measuring ends, within 2 s even if perfkit is killed.")
    if not typer.confirm("         Go on?", err=True):
        raise PerfkitError(
            "nothing was brought in, nothing was measured.", f"leave {given} out to look from outside", USAGE
        )
