"""`perfkit rule`: what the rules are, and each one's page."""

from __future__ import annotations

from typing import Annotated

import typer

from perfkit.cli import options as o


def rule(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A rule; none lists them all.")] = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Print a rule's page, or the list of rules."""
    o.check_color(color)
    from inspect import cleandoc

    from perfkit.cli.console import out
    from perfkit.findings import RULES

    if name is None:
        width = max(len(known) for known in RULES)
        out("".join(f"{known:<{width}}  {RULES.load(known).summary}\n" for known in RULES))
    else:
        out(f"# {name}\n\n{cleandoc(RULES.load(name).__doc__ or '')}\n")
