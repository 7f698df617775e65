"""Who owns the time of one request: spans on a line come in, the seconds of each that no other one took go out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

Interval = tuple[float, float]


def owned(spans: Sequence[Interval], begin: float, end: float) -> list[float]:
    """Seconds of each span between `begin` and `end`; of those that overlap, the one that began last owns the moment.

    `spans` are (start, end), ordered by start.
    """
    seconds = [0.0] * len(spans)
    if all(spans[i][1] <= spans[i + 1][0] for i in range(len(spans) - 1)):
        return [max(0.0, min(stop, end) - max(start, begin)) for start, stop in spans]
    edges = sorted({edge for span in spans for edge in span} | {begin, end})
    active: list[int] = []
    following = 0
    for left, right in pairwise(edges):
        while following < len(spans) and spans[following][0] <= left:
            active.append(following)
            following += 1
        while active and spans[active[-1]][1] <= left:
            active.pop()
        if active and left >= begin and right <= end:
            # An earlier one may have ended below a later one that still runs: the last that is alive owns.
            owner = next((i for i in reversed(active) if spans[i][1] > left), None)
            if owner is not None:
                seconds[owner] += right - left
    return seconds


class Cuts:
    """Stretches in which a whole process stood still (a collection, a blocked loop): they cut what requests did meanwhile."""

    def __init__(self, stretches: Sequence[Interval]) -> None:
        self._merged: list[Interval] = []
        for start, stop in sorted(stretches):
            if self._merged and start <= self._merged[-1][1]:
                self._merged[-1] = (self._merged[-1][0], max(stop, self._merged[-1][1]))
            else:
                self._merged.append((start, stop))
        self._starts = [start for start, _ in self._merged]

    def __iter__(self) -> Iterator[Interval]:
        return iter(self._merged)

    def __bool__(self) -> bool:
        return bool(self._merged)

    def within(self, begin: float, end: float) -> float:
        """Seconds of the stretches between two moments."""
        total = 0.0
        index = max(0, bisect_right(self._starts, begin) - 1)
        while index < len(self._merged) and self._starts[index] < end:
            start, stop = self._merged[index]
            total += max(0.0, min(stop, end) - max(start, begin))
            index += 1
        return total
