"""Old formats, brought forward: a connection to an older recording comes in, one in the present format goes out.

The file itself is never changed: it may be evidence, a test, or on a disk that cannot be written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from perfkit.recordings.checks import DamagedError
from perfkit.recordings.schema import SCHEMA_VERSION

MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {}
"""Version → the step that turns a file of that version into the next one."""


def bring_forward(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """A copy in memory, in the present format; closes `connection`. Raises DamagedError for a number without a step."""
    steps = [MIGRATIONS.get(step) for step in range(version, SCHEMA_VERSION)]
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    for step in steps:
        if step is None:
            copy.close()
            raise DamagedError(f"its format has the number {version}, which no perfkit wrote")
        step(copy)
    return copy
