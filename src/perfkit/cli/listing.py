"""`perfkit list`: the recordings that are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from perfkit.cli import options as o


def list_(quiet: o.Quiet = False, debug: o.Debug = False, color: o.Color = "auto") -> None:
    """List the recordings in .perfkit/, newest first."""
    o.check_color(color)
    from perfkit.cli.console import out, plain, say
    from perfkit.recordings import Store
    from perfkit.shared.units import seconds, size

    entries = Store(Path.cwd()).entries()
    if not entries:
        say("no recordings in .perfkit/ here; perfkit run -- COMMAND makes one")
    for entry in entries:
        if not entry.readable:
            out(f"{entry.path.name}  cannot be read\n")
            continue
        when = datetime.fromtimestamp(entry.started).strftime("%Y-%m-%d %H:%M")
        state = "" if entry.sealed else "  (incomplete)"
        out(
            f"{entry.path.name}  {when}  {seconds(entry.duration):>8}  {size(entry.size):>7}  {plain(entry.command)}{state}\n"
        )
