"""`perfkit schema`: the JSON Schema of what perfkit writes as JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def schema(
    document: Annotated[
        str, typer.Argument(metavar="[report|gate]", help="Of the report, or of a gate's verdict.")
    ] = "report",
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Print the JSON Schema of a JSON report."""
    o.check_color(color)
    import json

    from perfkit.cli.console import out

    if document == "report":
        from perfkit.reports.schema import json_schema

        found = json_schema()
    elif document == "gate":
        from perfkit.reports.gate_schema import SCHEMA

        found = dict(SCHEMA)
    else:
        raise PerfkitError(
            f"there is no schema of {document!r}.", "perfkit schema report, or perfkit schema gate", USAGE
        )
    out(json.dumps(found, indent=2) + "\n")
