"""Which of several URLs is next: each in turn, or in shares that change."""

from __future__ import annotations

import itertools
import random
from typing import Protocol

_STRETCH = 1.0  # seconds
_WEIGHTS = (1, 2)
_DRAWN = 3


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
    URL leaves behind can be told from what the others do. The same in each run. However slow the server, each URL has its turn
    in every round."""

    def __init__(self, urls: int) -> None:
        self._urls = urls
        self._random = random.Random(urls)
        self._until = float("-inf")
        self._coming: list[list[int]] = []
        self._weights = [1] * urls
        self._round: list[int] = []

    def next(self, now: float) -> int:
        if not self._round:
            if now >= self._until:
                self._until = now + _STRETCH
                self._coming = self._coming or self._drawn()
                self._weights = self._coming.pop()
            turns = [url for turn in range(max(_WEIGHTS)) for url in range(self._urls) if turn < self._weights[url]]
            self._round = turns[::-1]
        return self._round.pop()

    def _drawn(self) -> list[list[int]]:
        """Weights of some seconds, and the opposite of each, so that no URL gains on the others for long."""
        drawn = [[self._random.choice(_WEIGHTS) for _ in range(self._urls)] for _ in range(_DRAWN)]
        return [*drawn, *([sum(_WEIGHTS) - weight for weight in weights] for weights in drawn)]
