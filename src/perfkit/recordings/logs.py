"""Logs and plans as rows: a connection and nouns come in, tables `log`, `digest`, `plan` and `not_planned` are filled or read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from perfkit.model.plan import NotPlanned, Plan
from perfkit.model.sqllog import Digest, SqlLog
from perfkit.recordings.checks import DamagedError
from perfkit.recordings.codec import stored
from perfkit.recordings.documents import read, written


def write_log(connection: sqlite3.Connection, log: SqlLog) -> None:
    """In the place of the one that was there."""
    connection.execute("DELETE FROM log")
    connection.execute("DELETE FROM digest")
    connection.execute("INSERT INTO log VALUES (?, ?)", (log.system, written(replace(log, digests={}))))
    connection.executemany(
        "INSERT INTO digest VALUES (?, ?, ?, ?)",
        ((stored(d.fingerprint), d.time.count, d.time.seconds, written(d)) for d in log.digests.values()),
    )


def write_plans(connection: sqlite3.Connection, plans: Iterable[Plan], not_planned: Iterable[NotPlanned]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO plan VALUES (?, ?, ?, ?)",
        ((stored(plan.fingerprint), plan.system, plan.root.cost, written(plan)) for plan in plans),
    )
    connection.executemany(
        "INSERT INTO not_planned VALUES (?, ?, ?, ?)",
        (tuple(map(stored, (row.fingerprint, row.text, row.why, row.remedy))) for row in not_planned),
    )


def read_log(connection: sqlite3.Connection) -> SqlLog | None:
    rows = connection.execute("SELECT document FROM log").fetchall()
    if not rows:
        return None
    log = read(SqlLog, rows[0][0])
    digests = (read(Digest, text) for (text,) in connection.execute("SELECT document FROM digest"))
    log.digests = {digest.fingerprint: digest for digest in digests}
    for digest in log.digests.values():
        check(digest)
    return log


def read_plans(connection: sqlite3.Connection) -> tuple[Plan, ...]:
    return tuple(read(Plan, text) for (text,) in connection.execute("SELECT document FROM plan ORDER BY fingerprint"))


def check(digest: Digest) -> None:
    """What reports divide by and count on. Raises DamagedError where it is not so."""
    time = digest.time
    counted = len(time.values) + sum(time.buckets.values())
    if counted != time.count or min(time.count, time.total, time.smallest) < 0 or digest.over_time.width <= 0:
        raise DamagedError("a digest does not add up")
