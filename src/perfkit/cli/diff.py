"""`perfkit diff`: two recordings beside each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A recording: a file, or the beginning of its name.")],
    after: Annotated[str, typer.Argument(metavar="[AFTER]", help="Another one; without it the latest.")] = "latest",
    format: Annotated[
        str, o.flag("--format", "-f", help="terminal or json.", env="DIFF_FORMAT", metavar="NAME")
    ] = "terminal",
    output: Annotated[
        str | None, o.flag("--output", "-o", help="A file; - is stdout.", env="DIFF_OUTPUT", metavar="FILE")
    ] = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Show what changed between two recordings.

    Endpoints, functions whose time changed by more than chance, statements that are run more or less often, and findings that are new or
    gone. It judges nothing: perfkit gate measures both revisions at once, and does.

    Examples:  perfkit diff 2026-11-20  ·  perfkit diff before.perfkit after.perfkit -f json
    """
    o.check_color(color)
    from perfkit.cli.console import out, say, screen, write_file
    from perfkit.cli.defaults import settings
    from perfkit.pipeline import diff as compare
    from perfkit.recordings import Store
    from perfkit.reports import DIFF_FORMATS, RenderOptions

    DIFF_FORMATS.check(format)
    store = Store(Path.cwd())
    paths = store.resolve(before), store.resolve(after)
    if paths[0].resolve() == paths[1].resolve():
        raise PerfkitError(f"{paths[0].name} would be compared with itself.", "perfkit list shows the others", USAGE)
    found = compare(*paths, settings().silences)
    look = screen(sys.stdout, color)
    to_file = output not in (None, "-")
    text = DIFF_FORMATS.load(format)(found, RenderOptions(look.color, look.width, look.unicode or to_file))
    if not to_file:
        out(text)
        return
    write_file(Path(str(output)), text)
    if not quiet:
        say(f"perfkit  wrote {output}")
