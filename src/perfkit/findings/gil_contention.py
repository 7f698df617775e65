"""Requests that wait for the interpreter lock while a thread outside of any request holds it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, NotRunError, View, place
from perfkit.model.analysis import Holder
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame

LEAST_HELD = 0.15


class GilContention:
    """A background thread holds the interpreter lock while requests wait for it.

    **What it sees.** Looks at who holds the interpreter lock: threads outside of any request hold it for 15 % of the time
    and more, while request threads are runnable and get no CPU. The cost is the requests' waiting; the place is the
    background thread's.

    **Why it hurts.** One interpreter runs one thread's Python code at a time, and hands over every 5 ms only. A thread that
    computes all the time makes every request that computes take twice as long, and adds 5 ms to each of its waits.

    **Before**

        threading.Thread(target=rebuild_index_for_ever, daemon=True).start()

    **After** A process of its own (multiprocessing, a worker queue, a cron job), or work in small pieces with pauses.

    **When to ignore it.** The background work ends soon after start.
    """

    name: ClassVar[str] = "gil-contention"
    summary: ClassVar[str] = "a background thread holds the interpreter lock while requests wait"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        analysis = view.analysis
        if analysis.kind != "server":
            return
        if not analysis.holders:
            raise NotRunError("the interpreter lock's holder was not sampled (one thread, or a short run)")
        groups: defaultdict[tuple[str, str], list[tuple[Holder, Frame]]] = defaultdict(list)
        for holder in analysis.holders:
            stack = analysis.stacks.expand(holder.stack)
            frame = view.deciding(stack, len(stack)) if not holder.in_request else None
            if frame is not None:
                groups[frame.file, frame.function].append((holder, frame))
        running = sum(time.seconds for time in view.code if time.state == "running")
        for group in groups.values():
            held = sum(holder.share for holder, _ in group)
            waited = min(analysis.gil_wait, running * held)
            if held >= LEAST_HELD and running:
                yield self._candidate(view, group, held, waited / running)

    def _candidate(self, view: View, group: list[tuple[Holder, Frame]], held: float, part: float) -> Candidate:
        holder, frame = group[0]
        stack = view.analysis.stacks.expand(holder.stack)
        n = sum(found.n for found, _ in group)
        return Candidate(
            rule=self.name,
            title=f"Thread {holder.thread or 'in the background'} holds the interpreter lock in {frame.function}()",
            claim={time.stack: part for time in view.code if time.state == "running"},
            where=place(frame),
            inside=None if stack[-1].origin == "app" else view.inside(stack[-1]),
            evidence=(
                Evidence(
                    f"{held:.0%} of all looks found this thread holding the interpreter lock.",
                    round(held, 3),
                    "share",
                    n=n,
                ),
                Evidence(
                    f"Requests were runnable without a CPU for {view.analysis.gil_wait:.1f} s.",
                    round(view.analysis.gil_wait, 2),
                    "s",
                ),
            ),
            advice=Advice("move this work to a process of its own, or do it in small pieces with pauses between them"),
            saves=(0.5, 1.0),
            confidence=Confidence(
                "medium", f"held in {n} looks; how long requests waited is modelled from CPU accounting"
            ),
            least=0.05,
            basis="modelled",
            withheld=True,
        )
