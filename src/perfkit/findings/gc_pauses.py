"""Garbage collections that stop requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, NotRunError, View, place
from perfkit.findings.mechanism import Line, innermost_line
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame
from perfkit.shared.units import plural, seconds

# Of all generations: it walks every object that lives; others walk what was made lately.
_FULL = "generation 2"
_MANY = 30
# The first requests make what stays, and set off full collections that do not come back.
_SEVERAL = 5
LEAST = 0.10


class GcPauses:
    """Garbage collections stop requests for a visible share of the time.

    **What it sees.** Each collection that takes longer than a millisecond, timed in the process itself, and charged for
    all requests that were in flight. The place is the project's line that was running at most of them: what it makes is
    what sets them off. It is reported from 10 % of the time on. Collections at a line that another finding explains, and in
    the middle of serialising, copying, compiling or logging, are theirs.

    **Why it hurts.** A collection holds the interpreter lock: nothing else runs. One of the oldest generation walks every
    object that can hold others; a process with 5 million of them stands still for about half a second, whatever the
    request does.

    **Before**

        app = create_app()          # modules, models and caches are walked by each full collection

    **After**

        app = create_app()
        gc.collect()
        gc.freeze()                 # what lives now is not walked again; in gunicorn with --preload, before it forks

    Then fewer objects that live long, fewer cycles (parents that know their children who know their parents), tuples and
    `__slots__` instead of dicts, and `gc.set_threshold(50_000, 20, 20)`, so that collections come less often.

    **When to ignore it.** Pauses are short against the time that a request may take, and memory is what is scarce.
    """

    name: ClassVar[str] = "gc"
    summary: ClassVar[str] = "garbage collections stop requests for a visible share of the time"
    # What sets them off comes first, where a rule knows it.
    last_resort: ClassVar[bool] = True
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        if not view.timed:
            raise NotRunError("nothing was timed inside the target")
        explained = _explained(view)
        uses = [
            use
            for use in view.analysis.uses
            if use.kind == "gc" and view.left.get(use.stack, 1.0) > 0 and _line(view, use.stack) not in explained
        ]
        if sum(use.count for use in uses) >= _SEVERAL:
            yield self._candidate(view, uses)

    def _candidate(self, view: View, uses: list[SpanUse]) -> Candidate:
        count = sum(use.count for use in uses)
        spent = sum(use.spent for use in uses)
        longest = max(use.percentiles[3] for use in uses)
        full = [use for use in uses if use.text.endswith(_FULL)]
        share = sum(use.spent for use in full) / spent if spent else 0.0
        frame = _running(view, uses)
        where = place(frame) if frame is not None else None
        mean = spent / count
        said = f"{plural(count, 'collection')} took {seconds(mean)} on average (longest {seconds(longest)})"
        whole = f"{plural(sum(use.count for use in full), 'full one')} (generation 2) took {share:.0%} of that"
        return Candidate(
            rule=self.name,
            title=f"Garbage collections stop requests for {seconds(mean)} at a time",
            claim={use.stack: 1.0 for use in uses},
            where=where,
            evidence=(Evidence(f"{said}; {whole}.", round(mean, 6), "s", n=count, where=where),),
            advice=Advice(_advice(view, frame, share > 0.5)),
            saves=(0.5, 0.9) if share > 0.5 else (0.2, 0.7),
            confidence=Confidence(
                "high" if count >= _MANY else "medium", f"{plural(count, 'collection')} timed in the process itself"
            ),
            basis="timed",
            least=LEAST,
        )


def _explained(view: View) -> set[Line | None]:
    """The project's lines whose time other findings own for the most part: what those make sets collections off, too."""
    spent: defaultdict[Line | None, float] = defaultdict(float)
    taken: defaultdict[Line | None, float] = defaultdict(float)
    for time in view.times:
        line = _line(view, time.stack)
        spent[line] += time.seconds
        taken[line] += time.seconds * (1.0 - view.left.get(time.stack, 1.0))
    return {line for line, seconds in taken.items() if line is not None and seconds > 0.5 * spent[line]}


def _line(view: View, stack: int) -> Line | None:
    return innermost_line(view, view.analysis.stacks.expand(stack))


def _advice(view: View, frame: Frame | None, full: bool) -> str:
    text = (view.lines.text(frame.file, frame.line) or "") if frame is not None else ""
    if "gc.collect(" in text:
        return "drop this call of gc.collect(): Python collects by itself, when enough has been made"
    return _FREEZE if full else _FEWER


_FREEZE = (
    "call gc.collect() and gc.freeze() when the application is loaded (with gunicorn --preload: before it forks), so that "
    "what lives for ever is not walked again; make fewer objects and cycles for each request; "
    "gc.set_threshold(50_000, 20, 20) makes collections rarer"
)
_FEWER = (
    "make fewer objects and cycles for each request (tuples, __slots__, generators); gc.set_threshold(50_000, 20, 20) makes "
    "collections rarer, gc.freeze() after start-up makes full ones shorter"
)


def _running(view: View, uses: list[SpanUse]) -> Frame | None:
    """The project line that was running for most of the time of the collections, where one was for a third of it."""
    running: defaultdict[Frame, float] = defaultdict(float)
    for use in uses:
        frames = view.analysis.stacks.expand(use.stack)[:-1]
        frame = next((frame for frame in reversed(frames) if frame.origin == "app"), None)
        if frame is not None:
            running[frame] += use.seconds
    most = max(running, key=lambda frame: running[frame], default=None)
    return most if most is not None and running[most] >= sum(use.seconds for use in uses) / 3 else None
