"""Code that computes on an event loop's own thread for so long that every other request waits for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings import blocking
from perfkit.findings.hot_function import dominant_library
from perfkit.findings.interface import Candidate, View, place
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame
from perfkit.shared.naming import code_name
from perfkit.shared.units import seconds

LEAST = 0.02
# What other rules have left of a stack and is less than this is theirs.
_MOSTLY_TAKEN = 0.1

Function = tuple[str, str]


class LoopBlocked:
    """Code computes on the event loop's thread for more than 20 ms at a time.

    **What it sees.** Stretches for which the loop did not come back, timed one by one, in which its thread was computing.
    They are charged to the project's function that did, or called the library code that did. The cost is the waiting of
    all requests that were in flight meanwhile. Causes that have a rule of their own come first.

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

    def check(self, view: View) -> Iterable[Candidate]:
        groups: defaultdict[Function | None, list[StackTime]] = defaultdict(list)
        deciders: dict[Function | None, Counter[Frame]] = defaultdict(Counter)
        for time in view.code:
            left = view.left.get(time.stack, 1.0)
            if not blocking.is_block(view, time) or left <= _MOSTLY_TAKEN:
                continue
            frames = view.inner(time)
            frame = view.deciding(frames, len(frames))
            key = (frame.file, frame.function) if frame is not None else None
            groups[key].append(time)
            if frame is not None:
                deciders[key][frame] += time.seconds * left  # type: ignore[assignment]
        for key, times in groups.items():
            frame = deciders[key].most_common(1)[0][0] if key is not None else None
            yield self._candidate(view, times, frame)

    def _candidate(self, view: View, times: list[StackTime], frame: Frame | None) -> Candidate:
        claim = {time.stack: view.left.get(time.stack, 1.0) for time in times}
        timed = blocking.blocks(view, claim)
        what = code_name(frame.function, frame.file) if frame is not None else "Something that no look caught"
        where = place(frame) if frame is not None else None
        said = timed.sentence()
        return Candidate(
            rule=self.name,
            title=f"{what} holds the event loop for {seconds(timed.mean)} at a time",
            claim=claim,
            where=where,
            inside=None if frame is None else dominant_library(view, times, claim, (frame.file, frame.function)),
            evidence=(Evidence(said, round(timed.mean, 6), "s", n=timed.count, where=where),),
            advice=Advice(
                "hand it to a thread (asyncio.to_thread) if it gives the interpreter lock up, else to a process pool; or do it "
                "in smaller pieces with `await asyncio.sleep(0)` between them, or keep the result"
                if frame is not None
                else "look for C code that keeps the interpreter lock to itself: hand it to a process pool"
            ),
            # Its own request still has to wait for the result.
            saves=(0.5 * timed.others, min(1.0, timed.others + 0.2)),
            confidence=Confidence(
                "low" if frame is None else "high" if timed.count >= 5 else "medium",
                f"the loop stood still {timed.count} times and was looked at meanwhile",
            ),
            least=LEAST,
        )
