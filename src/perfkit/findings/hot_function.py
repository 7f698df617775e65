"""The last resort: where the time goes that no other rule explains."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from perfkit.findings.interface import Candidate, View, place
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence, Inside
from perfkit.model.recording import Frame, Stack
from perfkit.shared.frameworks import DISPATCHERS, EVENT_LOOPS, listed
from perfkit.shared.naming import code_name
from perfkit.shared.origin import PROBE, is_own_probe, module_path
from perfkit.shared.pysource import spot

LEAST = 0.10
DOMINANT = 0.6
MOST = 5
CARRIES = 0.9
_WAITS = {"io": "waits for the database or I/O", "sleep": "sleeps", "lock": "waits for other threads"}

Function = tuple[str, str]
Choice = Callable[[View, StackTime], list[tuple[Frame, int]]]
Found = tuple[dict[int, float], Counter[Frame]]


class HotFunction:
    """A function carries more than 10 % of the time, and no other rule explains why.

    **What it sees.** The time that is left when all other rules have taken theirs, charged to the project's function that
    called for it: its own lines and the library code below them. `inside` is the library function where most of that is.

    **Why it hurts.** It may not: this says where the time is, not that it is wasted. Severity is always `info`.

    **Before** / **After** Open the function at the line named; the flame graph of the HTML report shows what is below it.

    **When to ignore it.** The function does what the service is for, as fast as it needs to be.
    """

    name: ClassVar[str] = "hot-function"
    summary: ClassVar[str] = "a function carries more than 10 % of the time, and no other rule explains why"
    last_resort: ClassVar[bool] = True
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        # What holds an event loop's thread has rules of its own.
        left = {
            time.stack: 0.0 if time.state == "idle" or time.timed else view.left.get(time.stack, 1.0)
            for time in view.code
        }
        for choose in (_nearest, _outer):
            for _ in range(MOST):
                found = self._largest(view, left, choose)
                if found is None:
                    break
                claim, frames = found
                yield self._candidate(view, claim, frames)
                for stack in claim:
                    left[stack] = 0.0

    def _largest(self, view: View, left: dict[int, float], choose: Choice) -> Found | None:
        """The function with most of what is left, its claim, and the frames at which it was found."""
        seconds: Counter[Function] = Counter()
        depth: defaultdict[Function, float] = defaultdict(float)
        for time in view.code:
            part = time.seconds * left[time.stack]
            if part:
                for frame, index in choose(view, time):
                    seconds[frame.file, frame.function] += part  # type: ignore[assignment]
                    depth[frame.file, frame.function] += index * part
        enough = [key for key in seconds if view.share(seconds[key]) >= LEAST]
        if not enough:
            return None
        if choose is _nearest:
            key = max(enough, key=lambda k: (seconds[k], k))
        else:
            key = max(enough, key=lambda k: (depth[k] / seconds[k], k))
        claim: dict[int, float] = {}
        frames: Counter[Frame] = Counter()
        for time in view.code:
            if not left[time.stack]:
                continue
            at = next((frame for frame, _ in choose(view, time) if (frame.file, frame.function) == key), None)
            if at is not None:
                claim[time.stack] = left[time.stack]
                # A line that was hit a million times is not the one to look at where another took the time.
                frames[at] += round(time.seconds * 1e6) if view.exact else time.n
        return claim, frames

    def _candidate(self, view: View, claim: dict[int, float], frames: Counter[Frame]) -> Candidate:
        frame = frames.most_common(1)[0][0]
        times = [time for time in view.code if time.stack in claim]
        n = sum(time.n for time in times)
        inside = dominant_library(view, times, claim, (frame.file, frame.function))
        state = _state(times, claim)
        does = _WAITS.get(state or "", "runs")
        below = f" in {code_name(inside.function, inside.file)}" if inside else ""
        return Candidate(
            rule=self.name,
            title=f"{code_name(frame.function, frame.file)} {does}{below}",
            claim=claim,
            where=place(frame),
            inside=inside,
            evidence=(
                Evidence(
                    f"{view.observed(n)} {'stands' if n == 1 else 'stand'} in its own lines and the library code below them.",
                    n,
                    "samples",
                    n=n,
                ),
            ),
            advice=Advice(_advice(view, frame, times, state)),
            confidence=Confidence(
                "high" if n >= 50 else "medium", f"{view.observed(n)}; that it is avoidable is not known"
            ),
            least=LEAST,
            informative=True,
        )


def _nearest(view: View, time: StackTime) -> list[tuple[Frame, int]]:
    """The nearest frame that decides: the project's, else a library's; where the framework does all by itself (a generic
    view), its handler."""
    frames = view.inner(time)
    frame = view.deciding(frames, len(frames))
    if frame is None:
        begin = view.handled(frames)
        frame = next((found for found in frames[begin:] if begin and found.origin == "library"), None)
        if frame is not None and module_path(frame.file) in DISPATCHERS:
            frame = None  # a router at work is nobody's handler
    return [(frame, 0)] if frame is not None else []


def _outer(view: View, time: StackTime) -> list[tuple[Frame, int]]:
    """Every project function on the stack, where many small ones share the cost of one that calls them all; those that
    carry nearly everything (an entry point, a dispatcher) say nothing."""
    found: dict[Function, tuple[Frame, int]] = {}
    frames = view.inner(time)
    for index, frame in enumerate(frames[view.handled(frames) :]):
        key = (frame.file, frame.function)
        if view.is_project(frame) and frame.function != "<module>" and view.inclusive.get(key, 0.0) < CARRIES:
            found.setdefault((frame.file, frame.function), (frame, index))
    return list(found.values())


def dominant_library(
    view: View, times: Sequence[StackTime], claim: dict[int, float], function: Function
) -> Inside | None:
    """Walk from `function` towards the leaves as long as one child holds 60 % of its time; the last one, if not the project's.
    The probe stands between many, and is none of them."""
    stacks: list[tuple[Stack, float]] = []
    for time in times:
        frames = view.inner(time)
        at = max((i for i, f in enumerate(frames) if (f.file, f.function) == function), default=None)
        if at is not None:
            above = tuple(frame for frame in frames[at + 1 :] if not (frame.file == PROBE or is_own_probe(frame.file)))
            stacks.append((above, time.seconds * claim[time.stack]))
    total = sum(seconds for _, seconds in stacks)
    found: Frame | None = None
    depth = 0
    while stacks:
        children: Counter[Function] = Counter()
        for frames, seconds in stacks:
            if len(frames) > depth:
                children[frames[depth].file, frames[depth].function] += seconds  # type: ignore[assignment]
        if not children or children.most_common(1)[0][1] < DOMINANT * total:
            break
        key = children.most_common(1)[0][0]
        stacks = [(f, s) for f, s in stacks if len(f) > depth and (f[depth].file, f[depth].function) == key]
        found = max(stacks, key=lambda pair: pair[1])[0][depth]
        depth += 1
    return view.inside(found) if found is not None and not view.is_project(found) else None


def _advice(view: View, frame: Frame, times: Sequence[StackTime], state: str | None) -> str:
    """What to look at first, by what the function does there."""
    stacks = [view.frames(time) for time in times[:20]]
    on_loop = any(listed(EVENT_LOOPS, found) for stack in stacks for found in stack)
    if state in _WAITS and on_loop and view.analysis.kind == "script":
        return "it waits on the event loop's thread, and all other tasks with it: await an asynchronous call, or use to_thread"
    source = view.lines.function(frame.file, frame.line)
    here = spot(source, frame.line) if source is not None else None
    if state == "io" and here is not None and here.loops:
        return "this line waits for the database or I/O in a loop: ask for all of it at once"
    if state == "io":
        return "look at what this line asks for: how often, for how much, and whether an answer can be kept"
    if state == "sleep":
        return "it sleeps: wait for what it waits for instead, or let a worker do it"
    return "open the function at this line; `perfkit report --open` shows what is below it"


def _state(times: Sequence[StackTime], claim: dict[int, float]) -> str | None:
    """What the function mostly does: a waiting state that holds more than half of its seconds."""
    by_state: Counter[str] = Counter()
    for time in times:
        by_state[time.state] += time.seconds * claim[time.stack]  # type: ignore[assignment]
    state, seconds = by_state.most_common(1)[0]
    return state if seconds > 0.5 * sum(by_state.values()) else None
