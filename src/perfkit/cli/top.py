"""`perfkit top`: a running process from moment to moment."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from perfkit.cli import options as o


def top(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A pid, :PORT, or a name.")],
    duration: o.Duration = None,
    every: Annotated[
        float, o.flag("--every", help="Seconds from one picture to the next.", env="EVERY", metavar="SECONDS")
    ] = 2.0,
    sql: o.Sql = False,
    yes: o.Yes = False,
    exclude: o.Exclude = None,
    rate: o.Rate = 50.0,
    project: o.Project = None,
    path_map: o.PathMap = None,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Watch a running process from moment to moment.

    Endpoints, hottest lines, statements and memory of the last 8 seconds, again and again, until Ctrl-C. Without a terminal one
    line each time. Nothing is recorded. From outside; --sql brings the probe in, for requests and statements, and takes it out again.

    Examples:  perfkit top :8000  ·  perfkit top gunicorn --sql  ·  perfkit top 811 --every 1 | tee top.log
    """
    o.check_color(color)
    o.at_least("--duration", duration, 0.1)
    o.at_least("--every", every, 0.5)
    o.at_least("--rate", rate, 1)
    from perfkit.targets import resolve_running

    found = resolve_running(target)
    if sql and not yes:
        from perfkit.cli.asking import ask

        ask(found, sql=True)
    from perfkit.cli.console import Picture, out
    from perfkit.pipeline import Options, watch
    from perfkit.reports.interface import RenderOptions
    from perfkit.reports.live import line, picture

    options = Options(
        sql=sql,
        rate=rate,
        duration=duration,
        exclude=tuple(exclude or ()),
        project=tuple(project or ()),
        path_map=o.path_maps(path_map),
    )
    reports = watch(found, options, every)
    if not sys.stdout.isatty():
        for report in reports:
            out(line(report) + "\n")
        return
    with Picture(color) as shown:
        for report in reports:
            look = shown.screen
            shown.show(picture(report, RenderOptions(look.color, look.width, look.unicode)))
