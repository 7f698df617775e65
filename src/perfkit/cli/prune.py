"""`perfkit prune`: remove recordings that are no longer wanted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def prune(
    keep: Annotated[int | None, o.flag("--keep", help="Keep this many of the newest.", env="KEEP", metavar="N")] = None,
    older_than: Annotated[
        float | None,
        o.flag("--older-than", help="Remove only what is older than this.", env="OLDER_THAN", metavar="DAYS"),
    ] = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Remove old recordings from .perfkit/.

    Their HTML reports go with them. Nothing else is touched."""
    o.check_color(color)
    from perfkit.cli.console import say
    from perfkit.recordings import Store

    if keep is None and older_than is None:
        raise PerfkitError("prune needs to know what may go.", "give --keep 5 or --older-than 30", USAGE)
    o.at_least("--keep", keep, 0)
    o.at_least("--older-than", older_than, 0)
    age = None if older_than is None else timedelta(days=older_than)
    removed = Store(Path.cwd()).prune(keep, age, datetime.now())
    if not quiet:
        for path in removed:
            say(f"removed {path.name}")
        say(f"{len(removed)} removed")
