"""`perfkit list`: the recordings that are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perfkit.cli import options as o

if TYPE_CHECKING:
    from perfkit.recordings import Entry

_HEAD: Final = ("RECORDING", "STARTED", "LENGTH", "SIZE", "COMMAND")
_RIGHT: Final = (2, 3)  # columns of numbers


def list_(quiet: o.Quiet = False, debug: o.Debug = False, color: o.Color = "auto") -> None:
    """List the recordings in .perfkit/, newest first."""
    o.check_color(color)
    from perfkit.cli.console import out, say
    from perfkit.recordings import Store

    entries = Store(Path.cwd()).entries()
    if not entries:
        say("no recordings in .perfkit/ here; perfkit run -- COMMAND makes one")
        return
    rows = [_HEAD, *map(_row, entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    for row in rows:
        cells = [cell.rjust(widths[i]) if i in _RIGHT else cell.ljust(widths[i]) for i, cell in enumerate(row)]
        out("  ".join(cells).rstrip() + "\n")


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    from perfkit.cli.console import plain
    from perfkit.shared.units import seconds, size

    name = plain(entry.path.name)
    if not entry.readable:
        return name, "", "", size(entry.size), "cannot be read"
    when = datetime.fromtimestamp(entry.started).strftime("%Y-%m-%d %H:%M")
    state = "" if entry.sealed else "  (incomplete)"
    return name, when, seconds(entry.duration), size(entry.size), plain(entry.command) + state
