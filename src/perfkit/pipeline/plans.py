"""Plans for what a recording ranks highest: its statements go to a database, and what the planner says is put beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import PerfkitError
from perfkit.model.plan import NotPlanned, Plan
from perfkit.shared import sqltext

if TYPE_CHECKING:
    from perfkit.explain import ExplainOptions, Statement
    from perfkit.model.analysis import Analysis

MOST = 10
Told = Callable[[int, int], None]


def check_dsn(dsn: str, options: ExplainOptions) -> None:
    """Connects and goes again. Raises PerfkitError where that does not work: better before a measurement than after it."""
    from perfkit.explain import connect

    connect(dsn, options).close()


def plan_one(text: str, dsn: str, options: ExplainOptions) -> Plan | NotPlanned:
    """The plan of one statement, with what indexes would help."""
    from perfkit.explain import Statement

    return next(iter(_plans([Statement(text, sqltext.fingerprint(text))], dsn, options)))


def add_plans(
    path: Path, dsn: str, options: ExplainOptions, most: int = MOST, told: Told = lambda done, of: None
) -> tuple[int, tuple[NotPlanned, ...]]:
    """Plan the statements with most seconds, and put plans beside them in the recording. Literals are taken out of plans where
    the recording keeps none. How many were planned, and which could not be."""
    from perfkit.explain import redacted
    from perfkit.recordings import add, load

    recording = load(path)
    from perfkit.analysis import analyse

    statements = _worst(analyse(recording), most)
    if not statements:
        raise PerfkitError(
            f"{path.name} holds no statement.", "record with the probe, or digest a log: perfkit sql LOG"
        )
    plans: list[Plan] = []
    failed: list[NotPlanned] = []
    for plan in _plans(statements, dsn, options):
        if isinstance(plan, Plan):
            plans.append(redacted(plan))
        else:
            failed.append(plan)
        told(len(plans) + len(failed), len(statements))
    add(path, plans=plans, not_planned=failed)
    return len(plans), tuple(failed)


def _plans(statements: Iterable[Statement], dsn: str, options: ExplainOptions) -> Iterable[Plan | NotPlanned]:
    from perfkit.explain import explain_all

    return explain_all(statements, dsn, options)


def _worst(analysis: Analysis, most: int) -> list[Statement]:
    """One a fingerprint, most seconds first. The log's slowest execution brings its own values, where they were kept."""
    from perfkit.explain import Statement

    found: dict[str, Statement] = {}
    for use in sorted(analysis.uses, key=lambda use: -use.seconds):
        if use.kind != "sql" or use.text in found or not _can_be_planned(use.text, use.system):
            continue
        digest = analysis.log.digests.get(use.text) if analysis.log is not None else None
        worst = digest.worst if digest is not None else None
        text = worst.text if worst is not None else use.sample
        found[use.text] = Statement(text, use.text, use.system, worst.parameters if worst is not None else ())
        if len(found) == most:
            break
    return list(found.values())


def _can_be_planned(text: str, system: str) -> bool:
    """Upkeep has no plan, and what a database keeps for itself is not the application's to index."""
    names = [name.lower() for name in sqltext.tables(text, system)]
    own = [name for name in names if name.startswith(_CATALOGS) or name in ("sqlite_master", "sqlite_schema")]
    return sqltext.verb(text, system) in _PLANNED and not (own and len(own) == len(names))


_CATALOGS = ("pg_", "information_schema.", "mysql.", "performance_schema.", "sys.", "sqlite_stat")
_PLANNED = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "TABLE", "MERGE", "REPLACE"})
