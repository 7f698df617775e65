"""`perfkit gate accept`: a slowdown that is meant, with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import gate_options as g
from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def accept(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WHAT…]", help="As perfkit gate names it, or a pattern: 'GET /orders queries'."),
    ] = None,
    reason: Annotated[
        str, o.flag("--reason", help="Why it is worth its cost. Reviewers read it.", env="REASON", metavar="TEXT")
    ] = "",
    all_: Annotated[bool, o.flag("--all", help="All that the last gate failed for.", env="ACCEPT_ALL")] = False,
    from_: g.From = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Accept what the last gate failed for.

    Writes it with its reason into perfkit-accepted.toml, which belongs into the same commit. It holds up to what was measured, and until
    the branch is merged: then the baseline is as slow, and the entry is history.

    Examples:  perfkit gate accept "GET /orders queries" --reason "coupons are shown now"
    """
    o.check_color(color)
    if not reason.strip():
        raise PerfkitError("a reason is missing.", 'perfkit gate accept … --reason "what it is good for"', USAGE)
    if bool(what) == all_:
        raise PerfkitError("say what is accepted: a name, or --all.", "perfkit gate explain shows the names", USAGE)
    from perfkit.cli.console import say
    from perfkit.pipeline import accept as write

    verdict = g.last_verdict(from_)
    keys: list[str | None] = [*what] if what else [None]
    for key in keys:
        path, entries = write(Path.cwd(), verdict, key, " ".join(reason.split()))
        if not quiet:
            for entry in entries:
                say(f"perfkit  accepted {entry.key} up to {entry.limit:g} in {path.name}")


accept.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]
