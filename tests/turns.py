"""Who may run now: tests beside each other, or one that wants the machine for itself."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(place: Path, *, alone: bool) -> Iterator[None]:
    """Waits until no test `alone` runs in another process, and when `alone` until no other test does.

    `place` is a folder that all processes know.
    """
    with Path(place, "door").open("wb") as door, Path(place, "room").open("wb") as room:
        # Whoever waits for the room holds the door: nobody enters before it for ever.
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # closing is not enough where a test left a fork behind
