"""Turns: what can be run on one revision and then on the other, over and over, and what one turn took."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple, Protocol


class Turn(NamedTuple):
    """Seconds of one repeat of a unit, CPU of the whole process tree; `waits` are the wall seconds of each repeat."""

    cpu: float
    wall: float
    waits: tuple[float, ...]


def together(turns: Sequence[Turn]) -> Turn:
    """Several turns of as many repeats as one."""
    waits = tuple(wait for turn in turns for wait in turn.waits)
    return Turn(fmean(turn.cpu for turn in turns), fmean(turn.wall for turn in turns), waits)


class NotRepeatableError(Exception):
    """A unit that cannot be run again in the same process: it is counted, and not timed."""


class Turns(Protocol):
    """Both revisions, ready to take turns."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, for the verdict."""
        return ()

    def chosen(self, units: Sequence[str]) -> tuple[str, ...]:
        """What is timed of the units that are counted."""
        return tuple(units)

    def begin(self, units: Sequence[str]) -> None:
        """Fresh processes, and each unit run until it is at its pace; called again now and then. Raises PerfkitError (5)."""
        ...

    def pair(self, unit: str, number: int) -> tuple[Turn, Turn]:
        """(baseline, current), one after the other; with another `number` the other one begins. Raises PerfkitError (5),
        and NotRepeatableError."""
        ...
