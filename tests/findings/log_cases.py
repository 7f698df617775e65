"""Logs and plans for rule cases: a few words a statement become digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from perfkit.model.distribution import Distribution
from perfkit.model.plan import IndexAdvice, Plan, PlanNode
from perfkit.model.sqllog import Digest, Repeats, SqlLog
from perfkit.shared import sqltext

NO_SAMPLES = ""


def digest(text: str, count: int, milliseconds: float, system: str = "postgresql", **more: Any) -> Digest:
    """`count` executions of `milliseconds` each; `more` are fields of the digest."""
    time = Distribution()
    time.add([round(milliseconds * 1000)] * count)
    return Digest(sqltext.fingerprint(text, system), system, time, **more)


def repeats(
    runs: int, longest: int, milliseconds: float, parent: str = "SELECT * FROM orders WHERE shop = 1"
) -> Repeats:
    """Runs of the same length, of executions that take `milliseconds` each."""
    executions = runs * longest
    micros = round(executions * milliseconds * 1000)
    parents = Counter({sqltext.fingerprint(parent, "postgresql"): runs} if parent else {})
    return Repeats(runs, executions, micros, longest, parents)


def logged(*digests: Digest, **more: Any) -> Mapping[str, Any]:
    """Options of `recording_of`: a log with these statements and nothing else."""
    log = SqlLog("postgresql", ("postgresql-stderr",), digests={found.fingerprint: found for found in digests}, **more)
    log.events = sum(found.time.count for found in digests)
    return {"log": log, "run": {"mode": "sql", "engine": "log"}}


def plan(text: str, root: PlanNode, *advice: IndexAdvice, system: str = "postgresql", **more: Any) -> Plan:
    fingerprint = sqltext.fingerprint(text, system)
    return Plan(system, "18.0", fingerprint, text, root, "{}", advice=advice, **more)


OTHER = digest("SELECT name FROM customer WHERE id = 1", 1000, 0.5)
"""A healthy statement beside the one in question: half a second in all."""
OTHERS = tuple(
    digest(f"SELECT name FROM table_{letter} WHERE id = 1", 1000, 0.5) for letter in "abcdefghijklmnopqrstuvwxyz"
)
"""A healthy load: many quick statements, none of which takes much of all time."""
