"""How many requests were in flight, and for how long: requests of one process come in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from perfkit.model.recording import Request


class InFlight:
    """Answers in logarithmic time, whatever the number of requests."""

    def __init__(self, requests: Iterable[Request]) -> None:
        pairs = [(request.start, request.start + request.seconds) for request in requests]
        self._starts = sorted(start for start, _ in pairs)
        self._ends = sorted(end for _, end in pairs)
        self._start_sums = [0.0, *accumulate(self._starts)]
        self._end_sums = [0.0, *accumulate(self._ends)]

    def seconds(self, begin: float, end: float) -> float:
        """Request-seconds between two moments: the integral of the number in flight."""
        return max(0.0, self._until(end) - self._until(begin))

    def _until(self, moment: float) -> float:
        begun, ended = bisect_left(self._starts, moment), bisect_left(self._ends, moment)
        return begun * moment - self._start_sums[begun] - (ended * moment - self._end_sums[ended])
