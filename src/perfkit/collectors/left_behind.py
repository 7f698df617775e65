"""Files that the probe left in the spool: a name's pattern comes in, what they hold goes out, of those that can be trusted."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_LARGEST = 16 << 20  # bytes of what a process left


def left_behind(
    spool: str, name: re.Pattern[str], is_sound: Callable[[Any], bool]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Pid and content of each; the first group of `name` is the pid. `is_sound` may raise what a wrong shape raises."""
    for entry in sorted(Path(spool).iterdir()):
        match = name.fullmatch(entry.name)
        written = _read(entry, is_sound) if match is not None else None
        if match is not None and written is not None:
            yield int(match[1]), written


def _read(path: Path, is_sound: Callable[[Any], bool]) -> dict[str, Any] | None:
    """Of a regular file only: others who may write there could leave anything."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        written: dict[str, Any] = json.loads(os.read(file, _LARGEST))
        return written if is_sound(written) else None
    except (OSError, TypeError, KeyError, ValueError, RecursionError):
        return None
    finally:
        os.close(file)
