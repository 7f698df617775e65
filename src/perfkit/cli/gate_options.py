"""What the commands of the gate have in common: options, and the command they are about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.gate import Verdict
    from perfkit.model.target import Command

Words = Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND…", help="A server with --load, or a script.")]
Repeats = Annotated[int, o.flag("--repeats", help="Requests of each URL that are counted.", env="REPEATS", metavar="N")]
Copy = Annotated[
    list[str] | None,
    o.flag(
        "--copy", help="A file that git does not hold and the baseline needs. Repeatable.", env="COPY", metavar="PATH"
    ),
]
Baseline = Annotated[
    str | None,
    o.flag(
        "--baseline",
        "-b",
        help="What to compare with: a branch, tag or commit; or a file of perfkit gate record, its folder, notes, or a recording.",
        env="BASELINE",
        metavar="REF|FILE",
    ),
]
Seconds = Annotated[float, o.flag("--seconds", help="How long timing may take.", env="SECONDS", metavar="SECONDS")]
Times = Annotated[bool, o.flag("--times/--no-times", help="Compare times, or counts alone.", env="TIMES")]
Inconclusive = Annotated[
    str, o.flag("--inconclusive", help="What no answer means: 4, pass or fail.", env="INCONCLUSIVE", metavar="WHAT")
]
BaselineEnv = Annotated[
    str,
    o.flag(
        "--baseline-env",
        help="The baseline's libraries: auto, same as the work tree's, or a virtual environment.",
        env="BASELINE_ENV",
        metavar="auto|same|PATH",
    ),
]
NewFindings = Annotated[
    str | None,
    o.flag(
        "--new-findings",
        help="Fail for findings as severe as this that the baseline does not have: high, medium, low or info.",
        env="NEW_FINDINGS",
        metavar="SEVERITY",
    ),
]
Report = Annotated[
    list[str] | None,
    o.flag(
        "--report",
        help="html, json, markdown, github, junit, sarif, gitlab or openmetrics, and where it goes. Repeatable.",
        env="GATE_REPORT",
        metavar="FORMAT=FILE",
    ),
]
From = Annotated[
    str | None,
    o.flag("--from", help="A verdict as JSON; by default the last gate's.", env="VERDICT", metavar="FILE"),
]


def target(words: Sequence[str] | None) -> Command:
    """The command of the line, or that of `[tool.perfkit.gate]`. Raises PerfkitError (2)."""
    from perfkit.cli import SUBCOMMANDS
    from perfkit.cli.defaults import settings
    from perfkit.targets.command import resolve_command

    if words and words[0] in SUBCOMMANDS["gate"]:
        hint = f"write perfkit gate {words[0]} … -- COMMAND; a program of that name is ./{words[0]}"
        raise PerfkitError(f"{words[0]} must come first.", hint, USAGE)
    return resolve_command(list(words or settings().command), Path.cwd(), os.environ)


def check_addresses(context: typer.Context, load: list[str] | None, ready: str | None) -> None:
    """Raises PerfkitError (2) for a URL that leads nowhere; `{port}` stands for one that is free."""
    some = [url.replace("{port}", "1") for url in load or ()]
    o.check_load(context, some, None if ready is None else ready.replace("{port}", "1"))


def given(context: typer.Context, name: str) -> bool:
    """Whether somebody said it, on the line, in the environment or in a file."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


@contextmanager
def ticking(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Shows what is done at the moment, on a terminal."""
    from perfkit.cli.console import Ticker

    ticker = Ticker(quiet)
    try:
        yield lambda text: ticker.show(f"perfkit  {text}")
    finally:
        ticker.clear()


def last_verdict(file: str | None) -> Verdict:
    """Raises PerfkitError: 3 where no gate has been run here, 2 where the file holds none."""
    from perfkit.pipeline import last_verdict as recall

    return recall(Path.cwd(), None if file is None else Path(file))
