"""What a rule must do: look at a View of an Analysis and say which seconds of which stacks it can explain.

A rule's docstring is its page: what it sees, why it hurts, before, after, when to ignore it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

from perfkit.model.analysis import Analysis, StackTime
from perfkit.model.finding import Advice, Basis, Confidence, Evidence, Inside, Place
from perfkit.model.recording import Frame, Stack
from perfkit.shared.codeline import Lines
from perfkit.shared.frameworks import is_plumbing

Claim = Mapping[int, float]


class NotRunError(Exception):
    """Raised by a rule that cannot judge this recording; the message is the reason that reports show."""


@dataclass(frozen=True)
class Candidate:
    """A cause as one rule sees it. `claim` maps stacks to the fraction of their seconds that this cause explains.

    `saves` is the fraction of the cost, low and high, that the advice is expected to save; `least` the share of all
    measured time below which it is not worth a reader's attention.
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


class Rule(Protocol):
    """`last_resort` rules see only what the others left over."""

    name: ClassVar[str]
    summary: ClassVar[str]
    last_resort: ClassVar[bool]

    def check(self, view: View) -> Iterable[Candidate]: ...


@dataclass
class View:
    """An Analysis with the questions that rules ask of it. `left` is the fraction of each stack that nobody owns yet."""

    analysis: Analysis
    left: dict[int, float] = field(default_factory=dict)

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.analysis.sources)

    @property
    def times(self) -> tuple[StackTime, ...]:
        return self.analysis.times

    def frames(self, time: StackTime) -> Stack:
        return self.analysis.stacks.expand(time.stack)

    def inner(self, time: StackTime) -> Stack:
        """The frames inside the request, or all of a script's."""
        return self.frames(time)[time.entry :]

    def seconds(self, claim: Claim) -> float:
        return sum(time.seconds * claim.get(time.stack, 0.0) for time in self.times)

    def share(self, seconds: float) -> float:
        return seconds / self.analysis.measured if self.analysis.measured else 0.0

    def distribution(self, frame: Frame) -> tuple[str | None, str | None]:
        file = self.analysis.files.get(frame.file)
        return (file.distribution, file.version) if file else (None, None)

    def deciding(self, frames: Stack, index: int) -> Frame | None:
        """The frame that decided on the work at `index`: the nearest project frame below it, else the nearest library
        frame that does not merely carry everything."""
        for frame in reversed(frames[:index]):
            if frame.origin == "app":
                return frame
        for frame in reversed(frames[:index]):
            if frame.origin == "library" and not is_plumbing(self.distribution(frame)[0]):
                return frame
        return None

    def inside(self, frame: Frame) -> Inside:
        name, version = self.distribution(frame)
        if name is None and frame.origin == "stdlib":
            name = "Python standard library"
        return Inside(frame.file, frame.line, frame.function, name, version)


def place(frame: Frame) -> Place:
    return Place(frame.file, frame.line, frame.function, frame.origin)
