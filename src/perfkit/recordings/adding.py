"""Evidence that comes later: a sealed recording and what a log or a database says are given, and the file has both afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from perfkit.model.plan import NotPlanned, Plan
from perfkit.model.sqllog import SqlLog
from perfkit.recordings.failures import write_failure
from perfkit.recordings.logs import write_log, write_plans
from perfkit.recordings.migrations import MIGRATIONS
from perfkit.recordings.opening import opened, uri
from perfkit.recordings.schema import SCHEMA_VERSION

_TIMEOUT = 5.0


def add(
    path: Path, log: SqlLog | None = None, plans: Iterable[Plan] = (), not_planned: Iterable[NotPlanned] = ()
) -> None:
    """All of it or nothing, in the place of what was there of the same kind; a file of an older format becomes one of this.

    Raises PerfkitError where the file is no recording, damaged, in use or cannot be written.
    """
    with opened(path):
        pass  # what it refuses must not be written to
    try:
        with closing(sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None, timeout=_TIMEOUT)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("BEGIN IMMEDIATE")
            _bring_forward(connection)
            if log is not None:
                write_log(connection, log)
            connection.execute("DELETE FROM not_planned")
            write_plans(connection, plans, not_planned)
            connection.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise write_failure(path, error) from error


def _bring_forward(connection: sqlite3.Connection) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in range(version, SCHEMA_VERSION):
        MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
