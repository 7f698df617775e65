"""Telling what will happen in a running process, before anything does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.target import RunningProcess


def ask(
    process: RunningProcess, *, sql: bool = False, lines: bool = False, calls: bool = False, tracemalloc: bool = False
) -> None:
    """Raises PerfkitError (2) where nobody is there to answer, or the answer is no."""
    wanted = [f"--{name}" for name, given in (("sql", sql), ("lines", lines), ("calls", calls)) if given]
    given = " and ".join(wanted)
    if not sys.stdin.isatty():
        raise PerfkitError(
            f"{given} {'brings' if len(wanted) == 1 else 'bring'} code into a running process, and nobody is there to be asked.",
            "add --yes to allow it",
            USAGE,
        )
    from perfkit.cli.console import say

    if sql:
        what = "follows its requests and statements"
    else:
        what = f"counts the {'lines' if lines else 'calls'} of its hottest functions"
    say(f"perfkit  will stop {process.description} for some milliseconds, and let it load what {what}.")
    if tracemalloc:
        say("         Until then tracemalloc makes code that allocates many times slower.")
    say("         That is taken out again when measuring ends, within 2 s even if perfkit is killed.")
    if not typer.confirm("         Go on?", err=True):
        raise PerfkitError(
            "nothing was brought in, nothing was measured.", f"leave {given} out to look from outside", USAGE
        )
