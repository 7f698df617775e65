"""What a rule must do: look at a View of an Analysis and say which seconds of which stacks it can explain.

A rule's docstring is its page: what it sees, why it hurts, before, after, when to ignore it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

from perfkit.model.analysis import Analysis, StackTime
from perfkit.model.finding import Advice, Basis, Confidence, Evidence, Inside, Place
from perfkit.model.recording import Frame, Stack
from perfkit.shared.codeline import Lines
from perfkit.shared.frameworks import DISPATCHERS, is_plumbing, listed, short_name
from perfkit.shared.naming import COMPREHENSIONS
from perfkit.shared.origin import PROBE, ROUTE
from perfkit.shared.units import plural

Claim = Mapping[int, float]


# The file of the last frame of stacks that held up an event loop.
LOOP = "<loop>"
# The engine whose samples are lines, each as often as it was hit.
LINES = "line-profiler"


class NotRunError(Exception):
    """Raised by a rule that cannot judge this recording; the message is the reason that reports show."""


@dataclass(frozen=True)
class Candidate:
    """A cause as one rule sees it. `claim` maps stacks to the fraction of their seconds that this cause explains.

    `saves` is the fraction of the cost, low and high, that the advice is expected to save; `least` the share of all
    measured time below which it is not worth a reader's attention. `withheld` time was
    kept from the code (no CPU, no interpreter lock): it is taken before anything is blamed on the lines it fell on. `detail` tells it from other causes of the same rule in
    the same function, and stays the same when lines move.
    """

    rule: str
    title: str
    claim: Claim
    where: Place | None
    advice: Advice
    confidence: Confidence
    inside: Inside | None = None
    evidence: tuple[Evidence, ...] = ()
    saves: tuple[float, float] | None = None
    least: float = 0.01
    basis: Basis = "sampled"
    informative: bool = False
    withheld: bool = False
    detail: str = ""


@dataclass(frozen=True)
class MemoryCause:
    """A cause of memory as one rule sees it: `bytes` that it took while it was measured, `pace` bytes a second by which it goes
    on, 0 for what is given back. `share` is of the time, for what is weighed by the time that it costs."""

    rule: str
    title: str
    bytes: int
    where: Place | None
    advice: Advice
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    pace: float = 0.0
    share: float = 0.0
    per_request: float | None = None
    endpoint: str | None = None
    detail: str = ""


class MemoryRule(Protocol):
    """Judges what --memory followed; its causes stand in a list of their own, in bytes. `ranks` is memory."""

    name: ClassVar[str]
    summary: ClassVar[str]
    last_resort: ClassVar[bool]
    reads_logs: ClassVar[bool]
    ranks: ClassVar[str]

    def check(self, view: View) -> Iterable[MemoryCause]: ...


class Rule(Protocol):
    """`last_resort` rules see only what the others left over. `reads_logs`: it judges a database's log too, where nothing of
    an application is known."""

    name: ClassVar[str]
    summary: ClassVar[str]
    last_resort: ClassVar[bool]
    reads_logs: ClassVar[bool]

    def check(self, view: View) -> Iterable[Candidate]: ...


@dataclass
class View:
    """An Analysis with the questions that rules ask of it. `left` is the fraction of each stack that nobody owns yet,
    `notes` what rules have worked out for one another."""

    analysis: Analysis
    left: dict[int, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    _leading: dict[Frame, bool] = field(default_factory=dict)

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.analysis.sources)

    @property
    def times(self) -> tuple[StackTime, ...]:
        return self.analysis.times

    @cached_property
    def code(self) -> tuple[StackTime, ...]:
        """The stacks that show code at work: sampled ones, and those that held up an event loop."""
        return tuple(time for time in self.times if not time.timed or self._is_block(time))

    @cached_property
    def timed(self) -> bool:
        """Whether the probe inside the target timed anything: requests, or what a script did."""
        return bool(self.analysis.uses) or any(found.source == "probe" for found in self.analysis.endpoints)

    def _is_block(self, time: StackTime) -> bool:
        stack = self.analysis.stacks.expand(time.stack)
        return bool(stack) and stack[-1].file == LOOP

    def frames(self, time: StackTime) -> Stack:
        """Root first; of a blocked loop's, without the last one, which stands for the wait."""
        stack = self.analysis.stacks.expand(time.stack)
        return stack[:-1] if stack and stack[-1].file == LOOP else stack

    def inner(self, time: StackTime) -> Stack:
        """The frames inside the request, or all of a script's."""
        return self.frames(time)[time.entry :]

    def seconds(self, claim: Claim) -> float:
        return sum(time.seconds * claim.get(time.stack, 0.0) for time in self.times)

    def observed(self, n: int) -> str:
        """`453 samples`, or `453 calls` of a deterministic profile, or `453 hits` of lines."""
        one = "call" if self.analysis.calls else "hit" if self.analysis.run.engine == LINES else "sample"
        return plural(n, one)

    @property
    def exact(self) -> bool:
        """Whether every call or line was counted and timed, rather than looked at now and then."""
        return bool(self.analysis.calls) or self.analysis.run.engine == LINES

    def share(self, seconds: float) -> float:
        return seconds / self.analysis.measured if self.analysis.measured else 0.0

    def distribution(self, frame: Frame) -> tuple[str | None, str | None]:
        file = self.analysis.files.get(frame.file)
        return (file.distribution, file.version) if file else (None, None)

    @cached_property
    def application(self) -> str | None:
        """The distribution that is the application, where it is installed like a library and no project code is around it:
        the one that frameworks call in most functions inside the handlers. An extension that wraps every handler is called
        in few."""
        project = 0.0
        seconds: defaultdict[str, float] = defaultdict(float)
        called: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for time in self.times:
            frames = self.inner(time)
            if any(frame.origin == "app" for frame in frames):
                project += time.seconds
            found = list(self._called_by_frameworks(frames[self.handled(frames) :]))
            for name, frame in found:
                called[name].add((frame.file, frame.function))
            for name in {name for name, _ in found}:
                seconds[name] += time.seconds
        if self.share(project) > 0.1 or not called:
            return None
        return max(called, key=lambda name: (len(called[name]), seconds[name]))

    def _called_by_frameworks(self, frames: Stack) -> Iterator[tuple[str, Frame]]:
        """Library frames that a framework called, or that nothing else of a library is below, with their distributions."""
        by_framework = True
        for frame in frames:
            if frame.origin == "native":
                continue
            name, _ = self.distribution(frame)
            own = frame.origin == "library" and name is not None and not is_plumbing(name)
            if own and by_framework and name is not None:
                yield name, frame
            by_framework = frame.origin == "library" and not own

    @cached_property
    def inclusive(self) -> dict[tuple[str, str], float]:
        """Share of all measured time by (file, function), a function counted once a stack."""
        found: defaultdict[tuple[str, str], float] = defaultdict(float)
        for time in self.code:
            for key in {(frame.file, frame.function) for frame in self.inner(time)}:
                found[key] += self.share(time.seconds)
        return dict(found)

    def is_project(self, frame: Frame) -> bool:
        """Whether a frame is the project's own, or of the installed application that stands in for it."""
        return frame.origin == "app" or (
            self.application is not None and self.distribution(frame)[0] == self.application
        )

    def deciding(self, frames: Stack, index: int) -> Frame | None:
        """The frame that decided on the work at `index`: the nearest project frame below it, else the nearest library
        frame that does not merely carry everything. What lies below a handler (middleware that handed the request on)
        decides nothing of what it does."""
        begin = self.handled(frames[:index])
        for at in range(index - 1, begin - 1, -1):
            # Before Python 3.12 a comprehension has a frame of its own: it belongs to the function around it.
            part = (
                short_name(frames[at].function) in COMPREHENSIONS and at > 0 and frames[at - 1].file == frames[at].file
            )
            if not part and self.is_project(frames[at]):
                return frames[at]
        for frame in reversed(frames[begin:index]):
            if frame.origin == "library" and not is_plumbing(self.distribution(frame)[0]):
                return frame
        return None

    def handled(self, frames: Stack) -> int:
        """The index at which the handler begins, where the route is known or a framework's dispatcher is on the stack. A
        script has none: what drives its test client decides."""
        if self.analysis.kind != "server":
            return 0
        return max((index + 1 for index, frame in enumerate(frames) if self._leads_to_handler(frame)), default=0)

    def _leads_to_handler(self, frame: Frame) -> bool:
        known = self._leading.get(frame)
        if known is None:
            route = frame.file == PROBE and frame.function.startswith(ROUTE)
            known = self._leading[frame] = route or listed(DISPATCHERS, frame)
        return known

    def inside(self, frame: Frame) -> Inside:
        name, version = self.distribution(frame)
        if name is None and frame.origin == "stdlib":
            name = "Python standard library"
        return Inside(frame.file, frame.line, frame.function, name, version)


def place(frame: Frame) -> Place:
    return Place(frame.file, frame.line, frame.function, frame.origin)
