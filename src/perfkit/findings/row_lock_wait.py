"""Statements that wait until another transaction lets a row or a table go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.server_side import Statement, logged, waited
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.sqllog import Digest
from perfkit.shared import units

# Of a statement's seconds; less than that is the usual order in which writers take turns.
LEAST: Final = 0.05


class RowLockWait:
    """A statement waits for a lock that another transaction holds.

    **What it sees.** PostgreSQL's log of lock waits (`log_lock_waits`; waits over `deadlock_timeout`, 1 s by default), and the
    lock time of each statement in MySQL's and MariaDB's slow log.

    **Why it hurts.** The statement itself is quick; it stands behind a transaction that does something else meanwhile: calls
    a service, waits for a user, writes many rows. Everyone who needs the same row waits as well.

    **Before**

        with transaction.atomic():
            account = Account.objects.select_for_update().get(pk=pk)
            charge(account)                      # two seconds of HTTP while the row is locked

    **After**

        charge(account)
        with transaction.atomic():
            Account.objects.filter(pk=pk).update(charged=True)

    **When to ignore it.** The waiting is a queue on purpose (`FOR UPDATE SKIP LOCKED` does it without waiting).
    """

    name: ClassVar[str] = "row-lock-wait"
    summary: ClassVar[str] = "a statement waits for another transaction's lock"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = True

    def check(self, view: View) -> Iterable[Candidate]:
        for statement, digest in logged(view):
            seconds = waited(digest)
            part = min(1.0, seconds / digest.time.seconds) if digest.time.seconds else 0.0
            if part >= LEAST:
                yield self._candidate(view, statement, digest, seconds, part)

    def _candidate(self, view: View, statement: Statement, digest: Digest, seconds: float, part: float) -> Candidate:
        times = units.plural(digest.lock_waits, "wait") if digest.lock_waits else "Its waits"
        subject = f"{statement.table}: a statement" if statement.table else "A statement"
        return Candidate(
            rule=self.name,
            title=f"{subject} waits {units.share(part)} of its time for locks of other transactions",
            claim=statement.claim(view, part),
            where=statement.where,
            evidence=(
                statement.cited(),
                Evidence(
                    f"{times} took {units.seconds(seconds)} in all.",
                    seconds,
                    "seconds",
                    n=digest.lock_waits or digest.time.count,
                ),
            ),
            advice=Advice(
                "find the transaction that holds the lock meanwhile and make it short: no calls, no loops and no thinking "
                "between its first write and its commit; take rows always in the same order"
            ),
            saves=(0.5, 1.0),
            confidence=Confidence("high", "the server measured the waiting itself"),
            basis="timed",
            detail=statement.id,
        )
