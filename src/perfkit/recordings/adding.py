"""Evidence that comes later: a sealed recording and what a log or a database says are given, and the file has both afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path

from perfkit.model.counted import NO_CALLS
from perfkit.model.memory import NO_LINES, LineTime
from perfkit.model.plan import NotPlanned, Plan
from perfkit.model.recording import Call, Frame
from perfkit.model.sqllog import SqlLog
from perfkit.recordings.codec import stored
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
    with _adding(path) as connection:
        if log is not None:
            write_log(connection, log)
        connection.execute("DELETE FROM not_planned")
        write_plans(connection, plans, not_planned)


def add_lines(path: Path, lines: Iterable[LineTime]) -> None:
    """As `add`; the gap that they close goes. The processes of the lines must be the recording's."""
    names = [field.name for field in fields(LineTime)]
    with _adding(path) as connection:
        connection.execute("DELETE FROM line")
        connection.execute("DELETE FROM gap WHERE what = ?", (NO_LINES,))
        connection.executemany(
            f"INSERT INTO line ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            [
                tuple(stored(v) if isinstance(v, str) else v for v in (getattr(row, name) for name in names))
                for row in lines
            ],
        )


def add_calls(path: Path, calls: Iterable[Call]) -> None:
    """As `add_lines`."""
    with _adding(path) as connection:
        connection.execute("DELETE FROM call")
        connection.execute("DELETE FROM gap WHERE what = ?", (NO_CALLS,))
        frames: dict[Frame, int] = {}

        def number(frame: Frame) -> int:
            if frame not in frames:
                frames[frame] = _frame(connection, frame)
            return frames[frame]

        connection.executemany(
            "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    row.process,
                    None if row.caller is None else number(row.caller),
                    number(row.callee),
                    row.calls,
                    row.primitive_calls,
                    row.self_seconds,
                    row.total_seconds,
                )
                for row in calls
            ],
        )


def _frame(connection: sqlite3.Connection, frame: Frame) -> int:
    """The id of a new row: one more of the same frame does no harm."""
    text = stored(frame.file)
    known = connection.execute("SELECT id FROM path WHERE path = ?", (text,)).fetchone()
    file = known[0] if known else _after_last(connection, "path")
    if not known:
        connection.execute("INSERT INTO path VALUES (?, ?)", (file, text))
    number = _after_last(connection, "frame")
    row = (number, stored(frame.function), file, frame.line, frame.origin)
    connection.execute("INSERT INTO frame VALUES (?, ?, ?, ?, ?)", row)
    return number


def _after_last(connection: sqlite3.Connection, table: str) -> int:
    last: int | None = connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0]
    return 0 if last is None else last + 1


@contextmanager
def _adding(path: Path) -> Iterator[sqlite3.Connection]:
    with opened(path):
        pass  # what it refuses must not be written to
    try:
        with closing(sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None, timeout=_TIMEOUT)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("BEGIN IMMEDIATE")
            _bring_forward(connection)
            yield connection
            connection.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise write_failure(path, error) from error


def _bring_forward(connection: sqlite3.Connection) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in range(version, SCHEMA_VERSION):
        MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
