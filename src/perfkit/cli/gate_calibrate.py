"""`perfkit gate calibrate`: what a gate on this machine can see."""

from __future__ import annotations

from typing import Annotated

import typer

from perfkit.cli import gate_options as g
from perfkit.cli import options as o


def calibrate(
    context: typer.Context,
    command: g.Words = None,
    load: o.Load_ = None,
    minutes: Annotated[
        float, o.flag("--minutes", help="How long pairs are taken.", env="CALIBRATE_MINUTES", metavar="MINUTES")
    ] = 2.0,
    copy: g.Copy = None,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Tell how often a gate on this machine fails for nothing, and what it can see.

    Both sides are HEAD. Pairs are taken without judging them; 2,000 gates are drawn from them.

    Examples:  perfkit gate calibrate --load http://127.0.0.1:8000/ -- gunicorn -b :8000 shop.wsgi
    """
    o.check_color(color)
    o.at_least("--minutes", minutes, 0.01)
    target = g.target(command)
    g.check_addresses(context, load, ready)
    from perfkit.cli.console import out
    from perfkit.pipeline import GateOptions
    from perfkit.pipeline import calibrate as measure
    from perfkit.reports.gate_calibration import render

    options = GateOptions(
        baseline="HEAD",
        urls=tuple(load or ()),
        ready=ready,
        ready_timeout=ready_timeout,
        copied=tuple(copy or ()),
        seconds=60 * minutes,
    )
    with g.ticking(quiet) as say:
        found = measure(target, options, say)
    out(render(found))


calibrate.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]
