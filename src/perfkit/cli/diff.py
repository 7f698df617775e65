"""`perfkit diff`: two recordings or revisions beside each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.difference import Difference

_BY_SUFFIX = {".html": "html", ".json": "json"}


def diff(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Argument(metavar="BEFORE", help="A recording (a file, or the beginning of its name), or a revision."),
    ],
    after: Annotated[
        str | None,
        typer.Argument(metavar="[AFTER]", help="Another one; without it the latest recording, or the work tree."),
    ] = None,
    format: Annotated[
        str, o.flag("--format", "-f", help="terminal, json or html.", env="DIFF_FORMAT", metavar="NAME")
    ] = "terminal",
    output: Annotated[
        str | None, o.flag("--output", "-o", help="A file; - is stdout.", env="DIFF_OUTPUT", metavar="FILE")
    ] = None,
    command: Annotated[
        str | None,
        o.flag(
            "--command",
            help="Of revisions: what is run of both; by default the gate's in pyproject.toml.",
            env="DIFF_COMMAND",
            metavar="WORDS",
        ),
    ] = None,
    load: o.Load_ = None,
    seconds: Annotated[
        float,
        o.flag("--seconds", help="Of revisions: how long a server is measured.", env="DIFF_SECONDS", metavar="SECONDS"),
    ] = 10.0,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Show what changed between two recordings, or two revisions.

    Endpoints, functions whose time changed by more than chance, statements that are run more or less often, and findings that are new or
    gone. It judges nothing: perfkit gate measures both revisions at once, and does. Without --format the suffix of FILE decides;
    .html is a page with a flame graph of both. Revisions are measured one after the other: BEFORE in a work tree of its own.

    Examples:  perfkit diff 2026-11-20  ·  perfkit diff before.perfkit after.perfkit -o diff.html  ·
    perfkit diff main --command "python report.py"
    """
    o.check_color(color)
    o.at_least("--seconds", seconds, 1)
    from perfkit.cli import gate_options as g
    from perfkit.cli.console import out, say, screen, write_file
    from perfkit.reports import DIFF_FORMATS, RenderOptions

    source = context.get_parameter_source("format")
    if source is not None and source.name == "DEFAULT":
        format = _BY_SUFFIX.get(Path(output or "").suffix.lower(), format)
    DIFF_FORMATS.check(format)
    paths = _recordings(before, after)
    if paths is None:
        g.check_addresses(context, load, ready)
        found = _of_revisions(before, after, command, load, seconds, ready, ready_timeout, quiet)
    else:
        found = _of_recordings(*paths)
    look = screen(sys.stdout, color)
    to_file = output not in (None, "-")
    text = DIFF_FORMATS.load(format)(found, RenderOptions(look.color, look.width, look.unicode or to_file))
    if not to_file:
        out(text)
        return
    write_file(Path(str(output)), text)
    if not quiet:
        say(f"perfkit  wrote {output}")


def _recordings(before: str, after: str | None) -> tuple[Path, Path] | None:
    """None where `before` is no recording, but a revision. Raises PerfkitError (2) where it is neither."""
    from perfkit.gate.revisions import is_revision
    from perfkit.recordings import Store

    store = Store(Path.cwd())
    try:
        first = store.resolve(before)
    except PerfkitError:
        if is_revision(Path.cwd(), before):
            return None
        raise
    return first, store.resolve(after or "latest")


def _of_recordings(before: Path, after: Path) -> Difference:
    from perfkit.cli.defaults import settings
    from perfkit.pipeline import diff as compare

    if before.resolve() == after.resolve():
        raise PerfkitError(f"{before.name} would be compared with itself.", "perfkit list shows the others", USAGE)
    return compare(before, after, settings().silences)


def _of_revisions(
    before: str,
    after: str | None,
    command: str | None,
    load: list[str] | None,
    seconds: float,
    ready: str | None,
    ready_timeout: float,
    quiet: bool,
) -> Difference:
    import shlex

    from perfkit.cli import gate_options as g
    from perfkit.cli.defaults import settings
    from perfkit.pipeline import GateOptions, diff_revisions

    if command is None and not settings().command:
        hint = f'perfkit diff {before} --command "python report.py"'
        raise PerfkitError("two revisions are compared by what they run, and nothing is to be run.", hint, USAGE)
    try:
        words = shlex.split(command or "")
    except ValueError as error:
        raise PerfkitError(f"--command: {error}.", "close the quote", USAGE) from None
    options = GateOptions(
        baseline=before,
        urls=tuple(load or ()),
        ready=ready,
        ready_timeout=ready_timeout,
        seconds=seconds,
        silences=settings().silences,
    )
    with g.ticking(quiet) as say:
        return diff_revisions(g.target(words), after, options, say)
