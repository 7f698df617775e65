"""Who owns the time of one request: spans on a line come in, the seconds of each that no other one took go out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
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

    def __init__(self, stretches: Iterable[Interval]) -> None:
        self._starts: list[float] = []
        self._stops: list[float] = []
        for stretch in sorted(stretches):
            self.add(stretch)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def add(self, stretch: Interval) -> None:
        """One more; it joins those that it touches."""
        start, stop = stretch
        first = bisect_left(self._stops, start)
        last = bisect_right(self._starts, stop)
        if first < last:
            start, stop = min(start, self._starts[first]), max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def without(self, begin: float, end: float) -> list[Interval]:
        """What lies between two moments and in none of the stretches."""
        pieces = []
        for index in range(bisect_right(self._stops, begin), bisect_left(self._starts, end)):
            if begin < self._starts[index]:
                pieces.append((begin, self._starts[index]))
            begin = self._stops[index]
        return [*pieces, (begin, end)] if begin < end else pieces

    def within(self, begin: float, end: float) -> float:
        """Seconds of the stretches between two moments."""
        return max(0.0, end - begin - sum(stop - start for start, stop in self.without(begin, end)))
