"""`perfkit gate record`: count what the work tree does, and keep it as a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import gate_options as g
from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def record(
    context: typer.Context,
    command: g.Words = None,
    load: o.Load_ = None,
    repeats: g.Repeats = 20,
    output: Annotated[
        str | None,
        o.flag(
            "--output",
            "-o",
            help="The file, or a folder that gets one file a commit; perfkit-baseline.json by default.",
            env="BASELINE_OUTPUT",
            metavar="FILE|FOLDER",
        ),
    ] = None,
    notes: Annotated[
        bool, o.flag("--notes", help="Keep it as a git note on the commit.", env="BASELINE_NOTES")
    ] = False,
    times: Annotated[
        bool, o.flag("--times/--no-times", help="Seconds as well, which are for histories only.", env="TIMES")
    ] = True,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Count what the work tree does and keep it, to compare with later.

    Counts hold on every machine: a baseline in the repository, a CI cache or git notes is compared with perfkit gate --baseline FILE,
    FOLDER or notes. Seconds of another machine are never compared.

    Examples:  perfkit gate record --load http://127.0.0.1:8000/ -- gunicorn -b :8000 shop.wsgi  ·
    perfkit gate record --notes -- python report.py
    """
    o.check_color(color)
    o.at_least("--repeats", repeats, 1)
    if notes and output is not None:
        raise PerfkitError("--notes and --output are two places.", "choose one", USAGE)
    target = g.target(command)
    g.check_addresses(context, load, ready)
    from perfkit.cli.console import say as tell
    from perfkit.pipeline import GateOptions, keep_baseline

    options = GateOptions(
        baseline="",
        urls=tuple(load or ()),
        ready=ready,
        ready_timeout=ready_timeout,
        repeats=repeats,
        times=times,
    )
    with g.ticking(quiet) as say:
        where = keep_baseline(target, options, Path.cwd(), "notes" if notes else output, say)
    if not quiet:
        tell(f"perfkit  wrote {where}")


record.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]
