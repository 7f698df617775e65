"""Code that computes on an event loop's own thread for so long that every other request waits for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings import blocking
from perfkit.findings.hot_function import dominant_library
from perfkit.findings.interface import Candidate, NotRunError, View, place
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame
from perfkit.shared.naming import code_name
from perfkit.shared.units import seconds

LEAST = 0.02
# Where others have the CPU, only what accounts for this share of all the time for which the loop stood still is the cause.
MOSTLY = 1 / 3
# What other rules have left of a stack and is less than this is theirs.
_MOSTLY_TAKEN = 0.1

Function = tuple[str, str]


class LoopBlocked:
    """Code computes on the event loop's thread for more than 20 ms at a time.

    **What it sees.** Stretches for which the loop did not come back, timed one by one, in which its thread was computing.
    They are charged to the project's function that did, or called the library code that did. The cost is the waiting of
    all requests that were in flight meanwhile. Causes that have a rule of their own come first. Where
    others have the CPU for a third of the time, a loop stands still wherever it is: there only a function counts that
    holds it in a tenth of its requests, and for a third of all such time.

    **Why it hurts.** One thread serves all requests: a computation of 60 ms adds 60 ms to each request that is there, and
    with 20 of them to be computed the last one waits for more than a second.

    **Before**

        async def score(order):
            return model.predict(order.rows)        # 60 ms of computing

    **After**

        async def score(order):
            return await loop.run_in_executor(PROCESSES, model.predict, order.rows)

    A thread (`asyncio.to_thread`) keeps the loop going where the code gives the interpreter lock up (numpy, zlib, hashing);
    pure Python needs a process pool, smaller pieces with `await asyncio.sleep(0)` between them, or a cache.

    **When to ignore it.** It happens once, when the process starts to serve.
    """

    name: ClassVar[str] = "loop-blocked"
    summary: ClassVar[str] = "computing holds the event loop for more than 20 ms, and all requests with it"
    # The rules that know a cause and its remedy see these stacks first; hot-function never does.
    last_resort: ClassVar[bool] = True
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        if not view.timed and any(blocking.on_loop(view, time) for time in view.code):
            raise NotRunError("nothing was timed inside the target")
        groups: defaultdict[Function, list[StackTime]] = defaultdict(list)
        deciders: defaultdict[Function, Counter[Frame]] = defaultdict(Counter)
        for time in view.code:
            left = view.left.get(time.stack, 1.0)
            if not blocking.is_block(view, time) or left <= _MOSTLY_TAKEN:
                continue
            frames = view.inner(time)
            frame = view.deciding(frames, len(frames))
            if frame is None or blocking.takes_no_time(frames):
                continue  # nobody looked in time, or nothing ran: a process without a CPU stands still as well
            groups[frame.file, frame.function].append(time)
            deciders[frame.file, frame.function][frame] += time.seconds * left  # type: ignore[assignment]
        for key, times in groups.items():
            if not blocking.crowded(view) or _stands_out(view, times):
                yield self._candidate(view, times, deciders[key].most_common(1)[0][0])

    def _candidate(self, view: View, times: list[StackTime], frame: Frame) -> Candidate:
        claim = {time.stack: view.left.get(time.stack, 1.0) for time in times}
        timed = blocking.blocks(view, claim)
        return Candidate(
            rule=self.name,
            title=f"{code_name(frame.function, frame.file)} holds the event loop for {seconds(timed.mean)} at a time",
            claim=claim,
            where=place(frame),
            inside=dominant_library(view, times, claim, (frame.file, frame.function)),
            evidence=(Evidence(timed.sentence(), round(timed.mean, 6), "s", n=timed.count, where=place(frame)),),
            advice=Advice(
                "hand it to a thread (asyncio.to_thread) if it gives the interpreter lock up, else to a process pool; or do it "
                "in smaller pieces with `await asyncio.sleep(0)` between them, or keep the result"
            ),
            # Its own request still has to wait for the result.
            saves=(0.5 * timed.others, min(1.0, timed.others + 0.2)),
            confidence=Confidence(
                "high" if timed.count >= 5 else "medium",
                f"the loop stood still {timed.count} times and was looked at meanwhile",
            ),
            least=LEAST,
        )


def _stands_out(view: View, times: list[StackTime]) -> bool:
    """Whether the loop stood still there more than a machine without a free CPU explains."""
    timed = blocking.blocks(view, {time.stack: 1.0 for time in times})
    everywhere = sum(use.spent for use in view.analysis.uses if use.kind == "block")
    return blocking.recurs(view, timed, {time.endpoint for time in times}) and timed.spent >= MOSTLY * everywhere
