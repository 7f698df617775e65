"""Rows and columns that are read and do not show in the response."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.over_fetching_logged import fetched
from perfkit.findings.server_side import is_log
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_uses import Group, groups, library, require_timed
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.shared import sqltext, units

LEAST_ROWS: Final = 1000
# Bytes of the response for each row read: less than a number and a comma.
LEAST_BYTES: Final = 4.0
WIDE: Final = 15
LEAST_WIDE_ROWS: Final = 300
# Of a row of fifteen columns and more: less than two or three of them.
LEAST_WIDE_BYTES: Final = 20.0


class OverFetching:
    """Many rows are read, and hardly any of them shows in the response.

    **What it sees.** A SELECT without LIMIT that gives 1,000 rows and more each time, on an endpoint whose response has
    less than 4 bytes for each of them; of `SELECT *` and of 15 columns and more: 300 rows, 20 bytes. It needs the size of
    responses, which the probe counts inside the target, and 3 % of the time. In the log of MySQL or MariaDB: 1,000 rows and more
    examined for an execution, and 100 for each one that is sent; or 10,000 rows sent each time without a LIMIT.

    **Why it hurts.** The database sends all of it, the driver makes Python objects of all of it, and the application throws
    it away: to count, to add up, to filter, or to show a page.

    **Before**

        orders = db.execute("SELECT * FROM orders").fetchall()
        return {"open": len([order for order in orders if order["open"]])}

    **After**

        (count,) = db.execute("SELECT count(*) FROM orders WHERE open").fetchone()
        return {"open": count}

    **When to ignore it.** The rows go elsewhere: into a file, a mail, a cache.
    """

    name: ClassVar[str] = "over-fetching"
    summary: ClassVar[str] = "many rows are read, and hardly any of them shows in the response"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        if is_log(view):
            yield from fetched(view, self.name)
            return
        require_timed(view)
        sizes = {found.endpoint: found.size for found in view.analysis.endpoints if found.source == "probe"}
        for group in groups(view):
            if not group.is_read() or sqltext.has_limit(group.text, group.system):
                continue
            uses = [use for use in group.uses if _is_lost(use, sizes.get(use.endpoint or ""), _wide(view, group))]
            if uses:
                yield self._candidate(view, group, uses, sizes)

    def _candidate(self, view: View, group: Group, uses: list[SpanUse], sizes: dict[str, float | None]) -> Candidate:
        use = max(uses, key=lambda use: use.seconds)
        rows = (use.rows or 0) / max(1, use.requests)
        size = sizes[use.endpoint or ""] or 0.0
        return Candidate(
            rule=self.name,
            title=f"{units.count(rows)} rows of {group.table or 'a query'} are read for a response of {units.size(size)}",
            claim=claim_of(view, uses),
            where=group.place,
            evidence=(
                Evidence(
                    f"{group.shown(90)} gives {units.count((use.rows or 0) / use.count)} rows each time.",
                    use.rows or 0,
                    "rows",
                    n=use.count,
                    where=group.place,
                ),
                Evidence(
                    f"Responses of {use.endpoint} have {units.size(size)}: {size / rows:.2g} bytes for each row.",
                    size,
                    "bytes",
                    n=use.requests,
                ),
            ),
            advice=Advice(_advice(group, library(view, group))),
            saves=(0.5, 0.98),
            confidence=Confidence(
                "medium", "rows and bytes were counted; rows may go elsewhere than into the response"
            ),
            least=0.03,
            basis="counted",
        )


def _wide(view: View, group: Group) -> bool:
    """Whether plain SQL asks for all columns or many. A mapper lists them all whatever is used."""
    columns = sqltext.columns_selected(group.text, group.system)
    return not library(view, group) and (columns is None or columns >= WIDE)


def _is_lost(use: SpanUse, size: float | None, wide: bool) -> bool:
    if size is None or not use.rows:
        return False
    each, per_request = use.rows / use.count, use.rows / max(1, use.requests)
    if each >= LEAST_ROWS and size < LEAST_BYTES * per_request:
        return True
    return wide and each >= LEAST_WIDE_ROWS and size < LEAST_WIDE_BYTES * per_request


def _advice(group: Group, kind: str) -> str:
    where = {
        "django": "`.filter(…)`, `.aggregate(…)`, `.count()`, `.exists()` or a slice",
        "sqlalchemy": "`where(…)`, `func.count()`, `func.sum(…)` or `.limit(…)`",
    }.get(kind, "WHERE, COUNT, SUM, GROUP BY or LIMIT")
    return f"let the database choose, count and add up: {where} in the statement, with only the columns that are used"
