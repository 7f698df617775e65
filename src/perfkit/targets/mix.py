"""Which of several URLs is next: each in turn, or in shares that change."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Protocol

_STRETCH = 1.0  # seconds
_WEIGHTS = (1, 2)


class Mix(Protocol):
    def next(self, now: float) -> int:
        """A number below that of the URLs. `now` is in seconds."""


class InTurn:
    def __init__(self, urls: int) -> None:
        self._numbers = itertools.cycle(range(urls))

    def next(self, now: float) -> int:
        return next(self._numbers)


class Changing:
    """Each second some URLs come twice as often as others, others in the next: over a run they come equally often, and what a
    URL leaves behind can be told from what the others do. The same in each run."""

    def __init__(self, urls: int) -> None:
        self._urls = urls
        self._random = random.Random(urls)
        self._until = float("-inf")
        self._numbers: Iterator[int] = iter(())

    def next(self, now: float) -> int:
        if now >= self._until:
            self._until = now + _STRETCH
            self._numbers = self._stretch()
        return next(self._numbers)

    def _stretch(self) -> Iterator[int]:
        weights = [self._random.choice(_WEIGHTS) for _ in range(self._urls)]
        turns = [url for round_ in range(max(_WEIGHTS)) for url in range(self._urls) if round_ < weights[url]]
        return itertools.cycle(turns)
