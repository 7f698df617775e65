"""Whether recordings can be kept: a project's folder comes in, a check goes out. Nothing is left behind."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from perfkit.recordings.store import FOLDER
from perfkit.shared.diagnosis import Check
from perfkit.shared.units import size

# A minute of one busy process takes about 1 MB; below this a recording may end before the target does.
LEAST_FREE = 50_000_000
_ELSEWHERE = "perfkit run -o /tmp/run.perfkit -- COMMAND"


def folder(root: Path) -> Check:
    """Of `root`/.perfkit, or of `root` where that would be made first."""
    place = root / FOLDER
    if place.exists() and not place.is_dir():
        return Check("miss", f"recordings: {place} is a file", (f"mv {place} {place}.old", _ELSEWHERE), needed=True)
    tried = place if place.is_dir() else root
    try:
        with tempfile.TemporaryFile(dir=tried) as file:
            file.write(b"perfkit")
        free = shutil.disk_usage(tried).free
    except OSError as error:
        reason = error.strerror or str(error)
        return Check("miss", f"recordings: {tried} cannot be written: {reason}", (_ELSEWHERE,), needed=True)
    if free < LEAST_FREE:
        return Check("warn", f"recordings: {place} has {size(free)} left on its disk", (_ELSEWHERE,))
    return Check("ok", f"recordings: {place} can be written, {size(free)} free")
