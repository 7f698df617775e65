"""`perfkit doctor`: what works here and what does not, with the exact remedy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o

if TYPE_CHECKING:
    from perfkit.shared.diagnosis import Check

_COLORS = {"ok": "32", "warn": "33", "miss": "31"}
_INDENT = 6


def doctor(
    pid: Annotated[
        int | None, o.flag("--pid", help="Look at this running process as well.", env="PID", metavar="PID")
    ] = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Say what works here, and what would make the rest work.

    It tries what perfkit needs, on this machine and on a running process.
    Ends with 0 where measuring is possible, with 1 where it is not. With --quiet it shows only what is not ok.

    Examples:  perfkit doctor  ·  perfkit doctor --pid 811
    """
    o.check_color(color)
    import sys

    from perfkit.cli.console import out, screen
    from perfkit.pipeline import diagnose

    look = screen(sys.stdout, color)
    possible = True
    for check in diagnose(Path.cwd(), pid):
        possible = possible and not check.prevents
        if not quiet or check.status != "ok":
            out(_lines(check, look.width, look.color))
    raise typer.Exit(0 if possible else 1)


def _lines(check: Check, width: int, color: bool) -> str:
    """The finding wrapped under its status; remedies stay whole, as they are to be copied."""
    from textwrap import wrap

    from perfkit.cli.console import plain

    text = wrap(plain(check.text), max(width - _INDENT, 30), break_long_words=False, break_on_hyphens=False)
    status = check.status.ljust(_INDENT)
    if color:
        status = f"\x1b[{_COLORS[check.status]}m{check.status}\x1b[0m" + " " * (_INDENT - len(check.status))
    lines = [status + text[0], *(" " * _INDENT + line for line in text[1:])]
    lines += [f"{' ' * _INDENT}try: {plain(remedy)}" for remedy in check.remedies]
    return "\n".join(lines) + "\n"
