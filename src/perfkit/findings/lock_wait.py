"""Requests that wait for a lock, charged to whoever held it meanwhile."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View, place
from perfkit.model.analysis import Blocked
from perfkit.model.finding import Advice, Confidence, Evidence, Inside, Place
from perfkit.model.recording import Frame, Stack


class LockWait:
    """Requests wait for a lock that another thread holds.

    **What it sees.** Samples that stand at taking a lock, together with the stack that was inside a block of the same lock
    in the same moments. The cost is the waiting of the victims; the place is the holder's.

    **Why it hurts.** A lock around slow work lets one request through at a time: the others add up behind it.

    **Before**

        with self._lock:
            report = build(rows)        # slow
            self._cache[key] = report

    **After**

        report = build(rows)
        with self._lock:
            self._cache[key] = report

    **When to ignore it.** The work must not happen twice at once, and its callers can wait.
    """

    name: ClassVar[str] = "lock-wait"
    summary: ClassVar[str] = "requests wait for a lock that another thread holds"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        by_stack = {time.stack: time for time in view.code}
        groups: defaultdict[tuple[str, str] | None, list[Blocked]] = defaultdict(list)
        for wait in view.analysis.blocked:
            if wait.holder is None or not wait.same_lock:
                continue  # who else ran in those moments need not have held the lock
            holder = _decider(view, view.analysis.stacks.expand(wait.holder))
            if holder is not None:
                groups[holder.file, holder.function].append(wait)
        for waits in groups.values():
            claim = {wait.waiting: 1.0 for wait in waits}
            places: Counter[Place] = Counter()
            for wait in waits:
                holder = _decider(view, view.analysis.stacks.expand(wait.holder or 0))
                if holder is not None:
                    places[place(holder)] += by_stack[wait.waiting].n
            yield self._candidate(view, waits, claim, places.most_common(1)[0][0], by_stack[waits[0].waiting].n)

    def _candidate(self, view: View, waits: list[Blocked], claim: dict[int, float], where: Place, n: int) -> Candidate:
        largest = waits[0]
        waiting = view.analysis.stacks.expand(largest.waiting)
        waiter = _decider(view, waiting)
        owner = _owner(view, waiting)
        return Candidate(
            rule=self.name,
            title=f"Requests wait for a lock{f' of {owner}' if owner else ''} while {where.function}() runs",
            claim=claim,
            where=where,
            inside=_inside(view, view.analysis.stacks.expand(largest.holder or 0)),
            evidence=(
                Evidence(
                    f"{view.observed(n)} wait at {waiter.function}()." if waiter else f"{view.observed(n)} wait.",
                    n,
                    "samples",
                    n=n,
                    where=place(waiter) if waiter else None,
                ),
            ),
            advice=Advice(_advice(owner)),
            saves=(0.5, 1.0),
            confidence=Confidence("high", "the holder was seen inside a block of the same lock"),
            least=0.03,
        )


def _inside(view: View, holding: Stack) -> Inside | None:
    """The library function that works while the lock is held."""
    frame = next((frame for frame in reversed(holding) if frame.origin != "native"), None)
    return None if frame is None or frame.origin == "app" else view.inside(frame)


def _owner(view: View, waiting: Stack) -> str | None:
    """The library that takes the lock, where it is not the project."""
    frame = next((frame for frame in reversed(waiting) if frame.origin in ("app", "library")), None)
    return None if frame is None or view.is_project(frame) else view.distribution(frame)[0]


def _advice(owner: str | None) -> str:
    if owner is None:
        return "do the slow part before taking the lock, hold it for the shared data only, or divide it by key"
    return (
        f"{owner} holds its lock during this call: make what it does there rare or quick (connections of a pool, for one, "
        "are opened at start when its minimum is as large as what runs at once), or call it less often"
    )


def _decider(view: View, stack: Stack) -> Frame | None:
    return view.deciding(stack, len(stack))
