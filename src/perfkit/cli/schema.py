"""`perfkit schema`: the JSON Schema of the JSON report."""

from __future__ import annotations

from perfkit.cli import options as o


def schema(quiet: o.Quiet = False, debug: o.Debug = False, color: o.Color = "auto") -> None:
    """Print the JSON Schema of the JSON report."""
    o.check_color(color)
    import json

    from perfkit.cli.console import out
    from perfkit.reports.schema import json_schema

    out(json.dumps(json_schema(), indent=2) + "\n")
