"""Requests that wait for a connection of a pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.sql_uses import groups, require_timed, site
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.shared import units

# Of the time of requests that is not waiting for the pool: with less of it in statements, connections are held beside them.
_DATABASE: Final = 0.3
_HOLDING: Final = frozenset({"sql", "fetch", "transaction"})


class PoolWait:
    """Requests wait for a connection of the pool.

    **What it sees.** The time between asking a pool (SQLAlchemy, psycopg_pool, asyncpg) for a connection and having it,
    1 % and more of the time; and what the requests that hold the connections do meanwhile.

    **Why it hurts.** As long as all connections are in use, every further request waits, whatever it wants to do.

    **Before**

        with Session(engine) as session:
            order = session.get(Order, key)
            receipt = render_pdf(order)             # holds the connection for half a second

    **After**

        with Session(engine) as session:
            order = session.get(Order, key)
        receipt = render_pdf(order)

    **When to ignore it.** The pool is small on purpose, to protect the database, and requests may wait.
    """

    name: ClassVar[str] = "pool-wait"
    summary: ClassVar[str] = "requests wait for a connection of the pool"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        require_timed(view)
        pools: defaultdict[str, list[SpanUse]] = defaultdict(list)
        for use in view.analysis.uses:
            if use.kind == "pool":
                pools[use.text].append(use)
        for name, uses in pools.items():
            yield self._candidate(view, name, uses)

    def _candidate(self, view: View, name: str, uses: list[SpanUse]) -> Candidate:
        waits = sum(use.count for use in uses)
        seconds = sum(use.seconds for use in uses)
        longest = max(use.percentiles[3] for use in uses)
        main = max(uses, key=lambda use: use.seconds)
        frame = site(view, main)
        busiest = [group for group in groups(view) if group.seconds][:2]
        return Candidate(
            rule=self.name,
            title=f"Requests wait {units.seconds(seconds / waits)} for a connection of the pool",
            claim={use.stack: 1.0 for use in uses},
            where=next((group.place for group in groups(view, "pool") if group.where == frame), None),
            evidence=(
                Evidence(
                    f"{units.count(waits)} waits for {name or 'a connection'}; the longest took {units.seconds(longest)}.",
                    seconds,
                    "seconds",
                    n=waits,
                ),
                *(
                    Evidence(
                        f"{group.shown(60)} has a connection for {units.seconds(group.seconds)} in all.",
                        group.seconds,
                        "seconds",
                        n=group.count,
                        where=group.place,
                    )
                    for group in busiest
                ),
            ),
            advice=Advice(_advice(view, seconds)),
            saves=(0.3, 1.0),
            confidence=Confidence("high", f"{units.count(waits)} waits were timed"),
            basis="timed",
        )


def _advice(view: View, waited: float) -> str:
    working = sum(use.seconds for use in view.analysis.uses if use.kind in _HOLDING)
    if working < _DATABASE * max(0.0, view.analysis.measured - waited):
        return (
            "statements are a small part of what requests do with a connection in hand: give it back before slow work "
            "(rendering, calls to others), then see whether the pool is still too small"
        )
    return "shorten the statements above, or make the pool as large as the number of threads that use it (`pool_size`, `max_size`)"
