"""Connections to a database that are opened again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View, place
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_uses import Group, groups, require_timed, site
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.shared import sqltext, units

NEARLY_EACH: Final = 0.8
LEAST_SCRIPT: Final = 20
# A file is opened in a tenth of this; a connection over a network takes ten times as long.
LEAST_FILE: Final = 0.0005
_SETTING_UP: Final = frozenset({"SET", "PRAGMA", "SHOW"})


class ConnectionPerRequest:
    """A connection to the database is opened for each request.

    **What it sees.** Connections that 80 % and more of an endpoint's requests open at one place, and the SET statements
    that follow each of them; in a script, twenty and more from one place. Opening an SQLite file counts from 0.5 ms on.

    **Why it hurts.** A new connection costs TCP, TLS and a login, and a process or thread of the database: 2 to 50 ms
    before the first statement runs.

    **Before**

        DATABASES = {"default": {..., "CONN_MAX_AGE": 0}}

    **After**

        DATABASES = {"default": {..., "CONN_MAX_AGE": 60}}

    **When to ignore it.** A pooler beside the application (PgBouncer) answers, and connecting to it is cheap.
    """

    name: ClassVar[str] = "connection-per-request"
    summary: ClassVar[str] = "a connection to the database is opened for each request"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        require_timed(view)
        found: defaultdict[str, list[SpanUse]] = defaultdict(list)
        for group in groups(view, "connect"):
            found[group.text].extend(_repeated(view, group))
        for address, uses in found.items():
            opened = sum(use.count for use in uses)
            spent = sum(use.spent for use in uses)
            if opened and not (address.startswith("sqlite") and spent < LEAST_FILE * opened):
                yield self._candidate(view, address, uses, spent / opened)

    def _candidate(self, view: View, address: str, uses: list[SpanUse], each: float) -> Candidate:
        script = view.analysis.kind == "script"
        opened = sum(use.count for use in uses)
        system = address.partition(" ")[0] or "the database"
        setting = [] if script else _set_up(view, uses)
        where = "in this run" if script else f"by {units.count(sum(use.requests for use in uses))} requests"
        main = max(uses, key=lambda use: use.seconds)
        frame = site(view, main)
        spot = place(frame) if frame is not None else None
        said = f"{units.count(opened)} connections to {address} were opened {where}, {units.seconds(each)} each."
        return Candidate(
            rule=self.name,
            title=f"A connection to {system} is opened {f'{units.count(opened)} times' if script else 'for each request'}",
            claim=claim_of(view, [*uses, *setting]),
            where=spot,
            evidence=(
                Evidence(said, opened, "connections", n=opened, where=spot),
                *(
                    Evidence(f"`{text}` follows.", count, "executions")
                    for text, count in Counter(
                        {sqltext.shortened(use.sample, 60, use.system): use.count for use in setting}
                    ).items()
                ),
            ),
            advice=Advice(_advice(view, main, system)),
            saves=(0.8, 0.99),
            confidence=Confidence("certain", f"{units.count(opened)} connections were counted"),
            basis="timed",
        )


def _repeated(view: View, group: Group) -> list[SpanUse]:
    """Those that nearly each request of their endpoint opens; in a script, those of a place that opens many."""
    if view.analysis.kind == "script":
        return group.uses if group.count >= LEAST_SCRIPT else []
    requests = {e.endpoint: e.requests or 0 for e in view.analysis.endpoints if e.source == "probe"}
    return [use for use in group.uses if use.count >= NEARLY_EACH * max(1, requests.get(use.endpoint or "", 0))]


def _set_up(view: View, uses: list[SpanUse]) -> list[SpanUse]:
    """Statements that prepare each connection of these."""
    opened = {use.endpoint: use.count for use in uses}
    return [
        use
        for use in view.analysis.uses
        if use.kind == "sql"
        and sqltext.verb(use.text, use.system) in _SETTING_UP
        and use.endpoint in opened
        and NEARLY_EACH * opened[use.endpoint] <= use.count <= 4 * opened[use.endpoint]
    ]


def _advice(view: View, use: SpanUse, system: str) -> str:
    frames = view.analysis.stacks.expand(use.stack)[:-1]
    if any("/django/" in frame.file or "/rest_framework/" in frame.file for frame in frames):
        pool = ', or `"OPTIONS": {"pool": True}` with psycopg 3' if system == "postgresql" else ""
        return f'`"CONN_MAX_AGE": 60` in DATABASES keeps connections open between requests{pool}'
    if any("/sqlalchemy/" in frame.file for frame in frames):
        return "call `create_engine` once, when the module is loaded, and without NullPool: the engine's pool keeps connections"
    if system.startswith("sqlite"):
        return "keep one connection for each thread, opened when it is first needed"
    if any("/asyncpg/" in frame.file for frame in frames):
        return "`asyncpg.create_pool` when the application starts, and `async with pool.acquire()` in each request"
    pools = (
        "`psycopg_pool.ConnectionPool`"
        if system == "postgresql"
        else "SQLAlchemy's `QueuePool`, or the driver's own pool"
    )
    return f"keep connections in a pool that is made when the application starts ({pools})"
