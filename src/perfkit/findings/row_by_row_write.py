"""Rows written one statement at a time, or with a commit for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.row_by_row_logged import one_by_one
from perfkit.findings.server_side import is_log
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_loops import Looped, together
from perfkit.findings.sql_source import loop_around, sleeps_around
from perfkit.findings.sql_uses import Group, groups, library, require_timed
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.shared import sqltext, units

LEAST: Final = 10
LEAST_SCRIPT: Final = 50
# An execution that changes more rows is a batch.
_FEW_ROWS = 2


@dataclass
class Writes:
    """Statements that one loop writes with, and the transactions that it begins and ends."""

    members: list[Looped]
    transactions: list[Looped] = field(default_factory=list)

    @property
    def commits(self) -> float:
        """Commits in a request that writes row by row."""
        return max((m.per_request for m in self.transactions if m.group.text.startswith("commit")), default=0.0)


class RowByRowWrite:
    """Rows are written one statement at a time.

    **What it sees.** The same INSERT, UPDATE or DELETE, ten times and more in a request (fifty in a loop of a script),
    from the same place, each changing a row or two; with the transactions that the loop begins and ends. `executemany`
    counts as one execution. In a database's log: runs of twenty and more in one connection.

    **Why it hurts.** Each row costs a round trip, and each commit waits until the disk has it: 1,000 rows with a commit
    each take seconds, in one statement and one transaction some milliseconds.

    **Before**

        for row in rows:
            db.execute("INSERT INTO entry VALUES (?, ?)", row)
            db.commit()

    **After**

        db.executemany("INSERT INTO entry VALUES (?, ?)", rows)
        db.commit()

    **When to ignore it.** Each row must be safe on disk before the next one is worked on.
    """

    name: ClassVar[str] = "row-by-row-write"
    summary: ClassVar[str] = "rows are written one statement at a time"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        if is_log(view):
            yield from one_by_one(view, self.name)
            return
        require_timed(view)
        found: list[Writes] = []
        for group in groups(view):
            member = _looped(view, group) if group.is_write() and group.rows_each <= _FEW_ROWS else None
            if member is None or not _convincing(view, member):
                continue
            same = next((writes for writes in found if together(writes.members[0], member)), None)
            if same is None:
                found.append(Writes([member]))
            else:
                same.members.append(member)
        for writes in found:
            writes.transactions = _transactions(view, writes.members[0])
            yield self._candidate(view, writes)

    def _candidate(self, view: View, writes: Writes) -> Candidate:
        first = max(writes.members, key=lambda member: member.group.seconds)
        group = first.group
        verb = sqltext.verb(group.text, group.system)
        script = view.analysis.kind == "script"
        commits = ", each with a commit" if writes.commits >= 0.5 * first.per_request else ""
        where = "in this run" if script else "in a request"
        members = [*writes.members, *writes.transactions]
        return Candidate(
            rule=self.name,
            title=f"{group.table or 'Rows'}: {units.count(first.per_request)} rows are written one by one {where}{commits}",
            claim=claim_of(view, [use for member in members for use in member.group.uses]),
            where=group.place,
            evidence=tuple(
                Evidence(
                    _said(view, member),
                    member.per_request,
                    "executions",
                    n=member.group.count,
                    where=member.group.place,
                )
                for member in members
            ),
            advice=Advice(_advice(view, group, verb, bool(commits))),
            saves=(0.5, 0.95),
            confidence=Confidence(
                "certain" if first.around is not None else "high",
                f"{units.count(first.per_request)} executions from one line"
                + (", in a loop" if first.around is not None else ""),
            ),
            basis="counted",
        )


def _looped(view: View, group: Group) -> Looped | None:
    least = LEAST_SCRIPT if view.analysis.kind == "script" else LEAST
    requests, executions = group.looped(least)
    several, _ = group.looped(2)
    if not requests or requests < 0.5 * several:
        return None
    return Looped(group, least, requests, executions / requests, loop_around(view, group.main), 1.0, None)


def _convincing(view: View, member: Looped) -> bool:
    """A script that writes what comes in, message by message, does its work; one that goes through a collection need not."""
    if view.analysis.kind != "script":
        return True
    return member.around is not None and not sleeps_around(view, member.group.main)


def _transactions(view: View, member: Looped) -> list[Looped]:
    """Those that the same function begins and ends, for every second row at least."""
    frame = member.frame
    found = []
    for group in groups(view, "transaction"):
        other = _looped(view, group)
        if other is None or frame is None or other.per_request < 0.5 * member.per_request:
            continue
        spots = [spot for spot in (other.frame, group.where) if spot is not None]
        own = [spot for spot in (frame, member.group.where) if spot is not None]
        if any((a.file, a.function) == (b.file, b.function) for a in spots for b in own):
            found.append(other)
    return found


def _said(view: View, member: Looped) -> str:
    group = member.group
    mean = group.seconds / max(1, group.count)
    where = "in this run"
    if view.analysis.kind != "script":
        where = f"in {units.count(member.requests)} of {units.count(group.requests)} requests"
    return f"{group.shown()} × {units.count(member.per_request)} {where}, {units.seconds(mean)} each."


def _advice(view: View, group: Group, verb: str, commits: bool) -> str:
    kind = library(view, group)
    once = ", and commit once after the loop" if commits else ""
    if kind == "django":
        many = {
            "UPDATE": "bulk_update(objects, [fields])`, or one `.filter(…).update(…)",
            "DELETE": "filter(pk__in=ids).delete()",
        }
        return f"`{_model(group)}.objects.{many.get(verb, 'bulk_create(objects)')}` writes them in few statements" + (
            ", in one `transaction.atomic()`" if commits else ""
        )
    if kind == "sqlalchemy":
        many = {"UPDATE": "execute(update(Model), rows)", "DELETE": "execute(delete(Model).where(Model.id.in_(ids)))"}
        return f"`session.{many.get(verb, 'add_all(objects)')}` writes them together{once or ', in one flush'}"
    if kind == "peewee":
        return f"`{_model(group)}.insert_many(rows)` or `bulk_update`, inside `db.atomic()`"
    if verb == "DELETE":
        return f"one `DELETE … WHERE id IN (…)`{once}"
    copy = ", or `COPY` for thousands of rows" if group.system == "postgresql" and verb == "INSERT" else ""
    return f"collect the rows and hand them to one `executemany`{copy}{once}"


def _model(group: Group) -> str:
    word = group.table.rpartition("_")[2]
    return word[:1].upper() + word[1:] if word else "Model"
