"""Middleware that takes a visible share of the requests that pass through it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from perfkit.findings.hot_function import dominant_library
from perfkit.findings.interface import Candidate, NotRunError, View, place
from perfkit.findings.middleware import hands_over, innermost, name_of
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame
from perfkit.shared.origin import PROBE
from perfkit.shared.units import plural

LEAST = 0.03
_TAKEN = 0.01

Function = tuple[str, str]


@dataclass
class Passage:
    """What one middleware costs: stacks that were sampled, and stacks of spans that it waits for."""

    functions: Counter[Frame] = field(default_factory=Counter)
    sampled: list[StackTime] = field(default_factory=list)
    timed: list[StackTime] = field(default_factory=list)


class SlowMiddleware:
    """A middleware takes 3 % and more of the time of the requests that pass through it.

    **What it sees.** Samples inside a request that stand in a middleware's own code or below it, but not in a handler, and
    statements and other timed waits that it asked for: Django's, Starlette's, ASGI and WSGI wrappers, aiohttp's, Flask's
    `before_request` and `after_request`. The project's own and those of installed packages count, the framework's never do.
    Causes that have a rule of their own come first.

    **Why it hurts.** Each request pays for it, the health check and the cheapest page as well: 5 ms in a middleware are 5 ms
    everywhere.

    **Before**

        def __call__(self, request):
            request.flags = {flag.name: evaluate(flag, request) for flag in all_flags()}
            return self.get_response(request)

    **After**

        def __call__(self, request):
            request.flags = SimpleLazyObject(lambda: evaluated(request))     # for those who ask
            return self.get_response(request)

    **When to ignore it.** It does what every request needs, as cheaply as it can be done (a signature, a session).
    """

    name: ClassVar[str] = "slow-middleware"
    summary: ClassVar[str] = "a middleware takes a visible share of every request"
    last_resort: ClassVar[bool] = True
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        if view.analysis.kind != "server":
            return
        if not any(frame.file == PROBE for time in view.times for frame in view.frames(time)):
            raise NotRunError("where handlers begin is known only with the probe inside the target")
        passages: defaultdict[tuple[str, str], Passage] = defaultdict(Passage)
        known: dict[Function, tuple[str, str]] = {}
        for time in view.times:
            if time.timed or view.left.get(time.stack, 1.0) <= _TAKEN:
                continue
            frames = view.frames(time)
            index = innermost(view, frames)
            if index is not None:
                frame = frames[index]
                key = frame.file, name_of(frame)
                known[frame.file, frame.function] = key
                passages[key].functions[frame] += time.n
                passages[key].sampled.append(time)
        self._add_timed(view, passages, known)
        for passage in passages.values():
            yield self._candidate(view, passage)

    def _add_timed(
        self, view: View, passages: defaultdict[tuple[str, str], Passage], known: dict[Function, tuple[str, str]]
    ) -> None:
        """Spans are asked for by a middleware where the last frame of one in their call site does not hand the request on."""
        for time in view.times:
            if not time.timed or time.state != "span" or view.left.get(time.stack, 1.0) <= _TAKEN:
                continue
            frames = [frame for frame in view.frames(time) if frame.file != PROBE]
            own = [frame for frame in frames if (frame.file, frame.function) in known]
            if own and not hands_over(view, own[-1]):
                passages[known[own[-1].file, own[-1].function]].timed.append(time)

    def _candidate(self, view: View, passage: Passage) -> Candidate:
        frame = passage.functions.most_common(1)[0][0]
        claim = {time.stack: view.left.get(time.stack, 1.0) for time in (*passage.sampled, *passage.timed)}
        n = sum(time.n for time in passage.sampled)
        waits = sum(time.n for time in passage.timed)
        evidence = [
            Evidence(
                f"{view.observed(n)} stand in it or below it, and in no handler.", n, "samples", n=n, where=place(frame)
            )
        ]
        if waits:
            said = f"It waits for {plural(waits, 'statement')} and other timed calls."
            evidence.append(Evidence(said, waits, "calls", n=waits, where=place(frame)))
        return Candidate(
            rule=self.name,
            title=f"{_titled(name_of(frame))} takes time from every request",
            claim=claim,
            where=place(frame),
            inside=dominant_library(view, passage.sampled, claim, (frame.file, frame.function)),
            evidence=tuple(evidence),
            advice=Advice(
                "do it for the requests that need it only (look at the path first, or make it lazy), keep what it looks up, and "
                "move what nobody waits for behind the response"
            ),
            saves=(0.3, 0.9),
            confidence=Confidence(
                "high" if n >= 50 else "medium", f"{view.observed(n)} between the server and the handlers"
            ),
            least=LEAST,
        )


def _titled(name: str) -> str:
    return name if name.endswith(")") or "iddleware" in name else f"The middleware {name}"
