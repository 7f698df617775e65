"""Wishes to the probe inside a process: what is to be done comes in, a file in the spool goes out."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from perfkit.collectors.hot_functions import HotFunction

_WHOLE = 6 * 3600.0
# By what is wished for. The probe follows the highest number of those it counts by.
_NAMES = {
    "lines": "zoom-1.json",
    "calls": "zoom-2.json",
    "attach": "attach-1.json",
    "allocations": "allocations-1.json",
}

NAMES = tuple(_NAMES.values())


def wish_of(folder: str | Path, what: str) -> Path:
    return Path(folder, _NAMES[what])


def write_wish(
    folder: str | Path,
    what: str,
    functions: tuple[HotFunction, ...] = (),
    path_map: tuple[tuple[str, str], ...] = (),
    seconds: float = _WHOLE,
    **settings: object,
) -> Path:
    """Whole or not at all, for whoever the target runs as. It ends after `seconds`, or with this process."""
    wish = {
        "version": 1,
        "what": what,
        "functions": [[_inside(function.file, path_map), function.first_line] for function in functions],
        "until": time.monotonic() + seconds,
        "owner": os.getpid(),
        **settings,
    }
    path = wish_of(folder, what)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(wish), encoding="ascii")
    part.chmod(0o644)
    part.replace(path)
    return path


def _inside(file: str, path_map: tuple[tuple[str, str], ...]) -> str:
    """A file as the target names it: the way back of `Context.local_path`."""
    for inside, outside in path_map:
        if file.startswith(outside.rstrip("/") + "/"):
            return inside.rstrip("/") + file[len(outside.rstrip("/")) :]
    return file
