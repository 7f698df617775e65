"""`perfkit report`: a recording's report, in any format, again and elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o


def report(
    recording: Annotated[
        str | None, typer.Argument(metavar="[RECORDING]", help="A file, or the beginning of its name.")
    ] = None,
    format: Annotated[
        str,
        o.flag(
            "--format", "-f", help="terminal, concise, json, markdown, html, speedscope or collapsed.", env="FORMAT"
        ),
    ] = "terminal",
    output: Annotated[str | None, o.flag("--output", "-o", help="A file; - is stdout.", env="REPORT_OUTPUT")] = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Show a recording's report: the latest one, or RECORDING.

    Examples:  perfkit report --open  ·  perfkit report --format json -o report.json
    """
    o.check_color(color)
    from perfkit.cli.console import out, say, screen, write_file
    from perfkit.cli.defaults import settings
    from perfkit.recordings import Store
    from perfkit.reports import FORMATS

    if open_ and format == "terminal":
        format = "html"
    FORMATS.check(format)
    path = Store(Path.cwd()).resolve(recording)
    from perfkit.cli.measuring import open_in_browser
    from perfkit.pipeline import render, report_of

    found = report_of(path, settings().silences)
    look = screen(sys.stdout, color)
    to_stdout = output in (None, "-")
    if open_ and to_stdout:
        output, to_stdout = str(path.with_suffix(".html")), False
    text = render(
        found, format, color=look.color and to_stdout, width=look.width, unicode=look.unicode or not to_stdout
    )
    if to_stdout:
        out(text)
    else:
        write_file(Path(str(output)), text)
        if not quiet:
            say(f"perfkit  wrote {output}")
    if open_:
        open_in_browser(Path(str(output)))
