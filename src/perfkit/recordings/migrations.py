"""Old formats, brought forward: a connection to an older recording comes in, one in the present format goes out.

The file itself is never changed: it may be evidence, a test, or on a disk that cannot be written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from perfkit.recordings.checks import DamagedError
from perfkit.recordings.schema import SCHEMA_VERSION


def _requests_inside_and_spans(connection: sqlite3.Connection) -> None:
    """1 → 2: requests may be timed inside the target, and what they spent their time on is there as spans."""
    for column in ("process INTEGER", "number INTEGER", "kind TEXT", "cpu REAL", "size INTEGER"):
        connection.execute(f"ALTER TABLE request ADD COLUMN {column}")
    connection.execute("CREATE TABLE span_name (id INTEGER PRIMARY KEY, text TEXT, system TEXT)")
    connection.execute("CREATE TABLE span (process, request, kind, name, stack, start, seconds, count, key)")


def _logs_and_plans(connection: sqlite3.Connection) -> None:
    """2 → 3: what the database's log says, and its plans."""
    connection.execute("CREATE TABLE log (system TEXT, document TEXT)")
    connection.execute("CREATE TABLE digest (fingerprint TEXT PRIMARY KEY, count, seconds, document TEXT)")
    connection.execute("CREATE TABLE plan (fingerprint TEXT PRIMARY KEY, system TEXT, cost, document TEXT)")
    connection.execute("CREATE TABLE not_planned (fingerprint TEXT, text TEXT, why TEXT, remedy TEXT)")


def _memory_and_lines(connection: sqlite3.Connection) -> None:
    """3 → 4: what memory did, and single lines."""
    connection.execute("CREATE TABLE line (process, function TEXT, file TEXT, first_line, calls, line, hits, seconds)")
    connection.execute(
        "CREATE TABLE line_bytes (process, stack, function TEXT, file TEXT, first_line, line, hits, bytes, peak)"
    )
    connection.execute("CREATE TABLE memory (at, process, rss, pss, private, given, system)")
    connection.execute("CREATE TABLE rise (at, process, before, rss, thread TEXT, stack)")
    connection.execute(
        "CREATE TABLE container (at, process, name TEXT, kind TEXT, file TEXT, line, length, size, bound, hits, misses)"
    )
    connection.execute(
        "CREATE TABLE heap (at, process, threads, anonymous, blocks, live, arenas, used, free, mapped, "
        "collections, full, collected, gc_seconds, longest)"
    )
    connection.execute(
        "CREATE TABLE garbage (at, process, stack, generation, collected, freed, types TEXT, file TEXT, line)"
    )
    connection.execute("CREATE TABLE import (at, process, stack, bytes, seconds)")


def _allocations(connection: sqlite3.Connection) -> None:
    """4 → 5: what tracemalloc saw stay."""
    connection.execute("CREATE TABLE allocation (process, stack, began, ended, more_blocks, more_bytes)")


MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _requests_inside_and_spans,
    2: _logs_and_plans,
    3: _memory_and_lines,
    4: _allocations,
}
"""Version → the step that turns a file of that version into the next one."""


def bring_forward(connection: sqlite3.Connection, version: int, copy: sqlite3.Connection) -> None:
    """Into `copy`, an empty database, in the present format. Raises DamagedError for a number without a step."""
    steps = [MIGRATIONS.get(step) for step in range(version, SCHEMA_VERSION)]
    if None in steps:
        raise DamagedError(f"its format has the number {version}, which no perfkit wrote")
    connection.backup(copy)
    for step in filter(None, steps):
        step(copy)
