"""`perfkit gate explain`: what the last gate failed for, at length."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import gate_options as g
from perfkit.cli import options as o


def explain(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[WHAT]", help="As perfkit gate names it, or a pattern; all by default."),
    ] = None,
    from_: g.From = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Show at length what the last gate failed for.

    The numbers with their interval, what grew, the lines that changed since the baseline, and how to accept it.

    Examples:  perfkit gate explain  ·  perfkit gate explain "GET /orders queries" --from gate.json
    """
    o.check_color(color)
    from perfkit.cli.console import out, screen
    from perfkit.pipeline import breaches_at_length
    from perfkit.reports import RenderOptions
    from perfkit.reports.gate_explain import render

    verdict = g.last_verdict(from_)
    look = screen(sys.stdout, color)
    found = breaches_at_length(Path.cwd(), verdict, what)
    out(render(verdict, found, RenderOptions(look.color, look.width, look.unicode)))


explain.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]
