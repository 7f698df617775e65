"""`perfkit gate history`: one metric over commits, and the commits that changed it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o


def history(
    metric: Annotated[
        str, typer.Argument(metavar="[METRIC]", help="queries, rows, connections, commits, …, or cpu.")
    ] = "queries",
    units: Annotated[
        str, o.flag("--unit", help="An endpoint or a test, or a pattern of them.", env="UNIT", metavar="PATTERN")
    ] = "*",
    source: Annotated[
        str,
        o.flag(
            "--in",
            help="notes, a folder with one file a commit, or the baseline's file, whose own history is read.",
            env="HISTORY_IN",
            metavar="WHERE",
        ),
    ] = "perfkit-baseline.json",
    svg: Annotated[
        str | None, o.flag("--svg", help="Draw it into this file, - for stdout.", env="HISTORY_SVG", metavar="FILE")
    ] = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Show a metric over commits, and which of them changed it.

    Reads what perfkit gate record kept of each commit. A count is exact: each other number is a change. Of seconds, which are shown for
    one machine only, change points are searched (pip install 'perfkit[history]').

    Examples:  perfkit gate history queries --in notes  ·  perfkit gate history cpu --unit "GET /orders" --svg cpu.svg
    """
    o.check_color(color)
    from perfkit.cli.console import out, say, screen, write_file
    from perfkit.pipeline import history as read
    from perfkit.reports import RenderOptions, gate_history, gate_history_svg

    found = read(Path.cwd(), source, metric, units)
    if svg is None:
        look = screen(sys.stdout, color)
        out(gate_history.render(found, RenderOptions(look.color, look.width, look.unicode)))
    elif svg == "-":
        out(gate_history_svg.render(found, RenderOptions()))
    else:
        write_file(Path(svg), gate_history_svg.render(found, RenderOptions()))
        if not quiet:
            say(f"perfkit  wrote {svg}")


history.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]
