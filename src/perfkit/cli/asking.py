"""Telling what will happen in a running process, before anything does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.target import RunningProcess


def ask(process: RunningProcess, *, sql: bool, lines: bool) -> None:
    """Raises PerfkitError (2) where nobody is there to answer, or the answer is no."""
    given = " and ".join(name for name, wanted in (("--sql", sql), ("--lines", lines)) if wanted)
    if not sys.stdin.isatty():
        raise PerfkitError(
            f"{given} {'bring' if sql and lines else 'brings'} code into a running process, and nobody is there to be asked.",
            "add --yes to allow it",
            USAGE,
        )
    from perfkit.cli.console import say

    what = "follows its requests and statements" if sql else "counts the lines of its hottest functions"
    say(f"perfkit  will stop {process.description} for some milliseconds, and let it load what {what}.")
    say("         That is taken out again when measuring ends, within 2 s even if perfkit is killed.")
    if not typer.confirm("         Go on?", err=True):
        raise PerfkitError(
            "nothing was brought in, nothing was measured.", f"leave {given} out to look from outside", USAGE
        )
