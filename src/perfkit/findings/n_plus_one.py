"""A statement that runs once for each row of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from perfkit.findings.interface import Candidate, View, place
from perfkit.findings.n_plus_one_logged import loops
from perfkit.findings.server_side import is_log
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_eager import advice, listed, names_of, parent_of
from perfkit.findings.sql_loops import SqlLoop, read_loops
from perfkit.findings.sql_uses import require_timed
from perfkit.model.finding import Confidence, Evidence, Place
from perfkit.model.recording import Frame
from perfkit.shared import sqltext, units
from perfkit.shared.naming import COMPREHENSIONS, code_name


class NPlusOne:
    """A statement runs once for each row of another.

    **What it sees.** The same statement, five times and more in a request, from the same line, with different parameters,
    in most of the requests that run it more than once: after a statement that gave about as many rows, or in a loop that
    the source shows; without either, ten times and more. Statements that one loop runs together are one finding. A
    script's run counts as one request, and needs twenty. Lists of values, pages and writes are not such. In a database's log:
    runs of five and more in one connection, with other values each time and less than 10 ms between them, right after a
    statement that leads there nearly each time it runs.

    **Why it hurts.** Each execution costs a round trip and, through a mapper, 100 µs to 1 ms of Python. The number grows
    with the rows: a page of 60 orders runs 61 statements, one of 600 runs 601.

    **Before**

        for order in Order.objects.all()[:60]:
            lines.append(order.customer.name)              # one query each

    **After**

        for order in Order.objects.select_related("customer")[:60]:
            lines.append(order.customer.name)

    **When to ignore it.** The number of rows is small and stays so.
    """

    name: ClassVar[str] = "n-plus-one"
    summary: ClassVar[str] = "a statement runs once for each row of another"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        if is_log(view):
            yield from loops(view, self.name)
            return
        require_timed(view)
        for loop in read_loops(view):
            names = names_of(view, loop)
            yield Candidate(
                rule=self.name,
                title=f"N+1: {_short(names)} {_are(names)} {_done(loop)} once per row",
                claim=claim_of(view, [use for group in loop.groups for use in group.uses]),
                where=_where(loop),
                evidence=tuple(_evidence(view, loop)),
                advice=advice(view, loop),
                saves=(0.7, 0.97),
                confidence=_confidence(loop),
                basis="counted",
                detail=sqltext.fingerprint_id(loop.first.group.text)[:8] if loop.first.group.where is None else "",
            )


def _short(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    return listed(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def _are(names: list[str]) -> str:
    return "is" if len(set(names)) == 1 and not names[0].endswith("s") else "are"


def _done(loop: SqlLoop) -> str:
    counted = all(group.text.startswith("select count(") for group in loop.groups)
    return "counted" if counted else "loaded"


def _where(loop: SqlLoop) -> Place | None:
    """The line that asks; the line of the loop where several functions that it calls ask."""
    spots = {(group.where.file, group.where.function) for group in loop.groups if group.where is not None}
    if len(spots) == 1:
        return max(loop.groups, key=lambda group: group.seconds).place
    frame = loop.first.frame
    return place(frame) if frame is not None else None


def _evidence(view: View, loop: SqlLoop) -> Iterator[Evidence]:
    first = loop.first
    each = [units.count(member.per_request) for member in loop.members]
    total = 1 + sum(member.per_request for member in loop.members)
    script = view.analysis.kind == "script"
    where = (
        "in this run" if script else f"in {units.count(first.requests)} of {units.count(first.group.requests)} requests"
    )
    if len(loop.members) == 1:
        claim = f"The same statement × {each[0]} {where}"
    else:
        claim = f"Same {len(loop.members)} statements × {each[0]} {where}"
    claim += (
        f": {' + '.join(['1', *each])} = {units.count(total)} queries."
        if len(each) > 1
        else f": 1 + {each[0]} queries."
    )
    yield Evidence(claim, round(total), "queries", n=first.requests, where=first.group.place)
    if loop.parent is not None:
        text, rows = loop.parent
        parent = parent_of(view, loop)
        shown = parent.shown(60) if parent is not None else f"`{sqltext.shortened(text, 60, first.group.system)}`"
        yield Evidence(f"{shown} gave {units.count(rows)} rows just before.", round(rows), "rows")
    for member in loop.members:
        group = member.group
        mean = group.seconds / max(1, group.count)
        yield Evidence(f"{group.shown()} takes {units.seconds(mean)} each.", mean, "seconds", n=group.count)
    outer = first.around.frame if first.around is not None else None
    if outer is not None and first.group.where is not None and _function_of(outer) != first.group.where.function:
        yield Evidence(f"The loop is in {code_name(_function_of(outer), outer.file)}.", 1, "", where=place(outer))


def _function_of(frame: Frame) -> str:
    """A frame's function; of a comprehension, the one around it."""
    around, _, last = frame.function.rpartition(".<locals>.")
    return around if last in COMPREHENSIONS and around else frame.function


def _confidence(loop: SqlLoop) -> Confidence:
    first = loop.first
    counts = f"{units.count(first.per_request)} executions with different parameters in one request"
    if loop.parent is not None and first.varied >= 0.9 and first.everywhere >= 0.9:
        return Confidence("certain", f"{counts}, after a statement that gave as many rows")
    if loop.parent is not None or first.around is not None:
        return Confidence("high", f"{counts}, {'after a statement with so many rows' if loop.parent else 'in a loop'}")
    return Confidence("medium", f"{counts}; what they follow was not seen")
