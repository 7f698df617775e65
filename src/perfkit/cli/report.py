"""`perfkit report`: a recording's report, in any format, again and elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from perfkit.cli import options as o

# The longest suffix first: `.speedscope.json` is JSON too.
_BY_SUFFIX: Final = {
    ".speedscope.json": "speedscope",
    ".firefox.json": "firefox",
    ".trace.json": "chrome",
    ".lprof.txt": "lprof",
    ".pb.gz": "pprof",
    ".prof": "pstats",
    ".pstats": "pstats",
    ".dat": "mprof",
    ".collapsed": "collapsed",
    ".folded": "collapsed",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".txt": "terminal",
}
_NOT_FOR_TERMINALS: Final = {
    "html": ".html",
    "speedscope": ".speedscope.json",
    "firefox": ".firefox.json",
    "chrome": ".trace.json",
    "pprof": ".pb.gz",
    "pstats": ".prof",
}


def report(
    context: typer.Context,
    recording: Annotated[
        str | None, typer.Argument(metavar="[RECORDING]", help="A file, or the beginning of its name.")
    ] = None,
    format: o.Format = "terminal",
    output: Annotated[
        str | None, o.flag("--output", "-o", help="A file; - is stdout.", env="REPORT_OUTPUT", metavar="FILE")
    ] = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Show a recording's report, or write it to a file.

    The latest one, or RECORDING. Without --format the suffix of FILE decides: .html, .md, .json or .txt; for other viewers
    .speedscope.json, .collapsed, .folded, .prof, .pstats, .pb.gz, .trace.json, .firefox.json, .lprof.txt or .dat.

    Examples:  perfkit report --open  ·  perfkit report -o report.json  ·  perfkit report -o shop.trace.json
    """
    o.check_color(color)
    from perfkit.cli.console import out, say, screen, write_file
    from perfkit.cli.defaults import settings
    from perfkit.recordings import Store
    from perfkit.reports import FORMATS

    format = _format(format, output, _is_given(context, "format"), open_)
    FORMATS.check(format)
    path = Store(Path.cwd()).resolve(recording)
    from perfkit.cli.measuring import open_in_browser, relative
    from perfkit.pipeline import render, report_of

    found = report_of(path, settings().silences)
    look = screen(sys.stdout, color)
    file = _file(output, format, path, open_)
    shown = render(
        found, format, color=look.color and file is None, width=look.width, unicode=look.unicode or file is not None
    )
    if file is None:
        out(shown)
        return
    write_file(file, shown, private=file.resolve().parent == path.resolve().parent)
    if not quiet:
        say(f"perfkit  wrote {relative(file)}")
    if open_:
        open_in_browser(file)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _format(default: str, output: str | None, given: bool, open_: bool) -> str:
    """The format that was asked for; else what the file's suffix says; else the default."""
    if given:
        return "html" if open_ and default == "terminal" else default
    name = (output or "").lower()
    by_suffix = next((format for suffix, format in _BY_SUFFIX.items() if name.endswith(suffix)), default)
    return "html" if open_ and by_suffix == "terminal" else by_suffix


def _file(output: str | None, format: str, recording: Path, open_: bool) -> Path | None:
    """Where the report goes; None is stdout. What nobody can read on a terminal goes beside the recording."""
    if output not in (None, "-"):
        return Path(str(output))
    if open_:
        return recording.with_suffix(_NOT_FOR_TERMINALS.get(format, ".html"))
    if output is None and format in _NOT_FOR_TERMINALS and sys.stdout.isatty():
        return recording.with_suffix(_NOT_FOR_TERMINALS[format])
    return None
