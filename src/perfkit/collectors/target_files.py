"""Reading files of a target's: where it sees other files than we do (a container), through its own root."""

from __future__ import annotations

import os
import stat


def root_of(pid: int) -> str:
    """`/proc/PID/root` where that is another than ours, else "": a path means the same to both."""
    try:
        ours, theirs = os.stat("/"), os.stat(f"/proc/{pid}/root")
        same = os.readlink("/proc/self/ns/mnt") == os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""
    return "" if same and (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino) else f"/proc/{pid}/root"


def content(file: str, root: str, largest: int) -> bytes | None:
    """Of a regular file below `root`, or, where there is none, of that name here. None where it cannot be read or is larger."""
    for at in (_opened_below(root, file) if root else None, _opened(file)):
        if at is None:
            continue
        status = os.fstat(at)
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
            os.close(at)
            continue
        with os.fdopen(at, "rb") as reading:
            return reading.read(largest)
    return None


def _opened(file: str) -> int | None:
    try:
        return os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None


def _opened_below(root: str, file: str) -> int | None:
    """Links on the way are not followed: from outside they would lead to files of ours."""
    *folders, name = [part for part in file.split("/") if part]
    try:
        at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for part, kind in [*((folder, os.O_DIRECTORY) for folder in folders), (name, os.O_NONBLOCK)]:
            above = at
            try:
                at = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=above)
            finally:
                os.close(above)
    except (OSError, ValueError):
        return None
    return at
