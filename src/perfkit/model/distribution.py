"""Durations of many executions as a mergeable value: exact count, sum and extremes, percentiles within 1 %.

Whole microseconds, so that the same events give the same sums in whatever order, format or number of parts they are read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

# Each bucket is 2 % wider than the one below: its middle is within 1 % of all it holds.
_GROWTH = 1.02
_EDGES = list(accumulate(range(1500), lambda edge, _: max(edge + 1, round(edge * _GROWTH)), initial=1))
EXACT = 2048
"""Values that are kept as they are; more of them go into buckets."""


@dataclass(slots=True)
class Distribution:
    """`values` are exact microseconds until there are more than `EXACT` of them; then `buckets` count them all."""

    count: int = 0
    total: int = 0
    smallest: int = 0
    largest: int = 0
    values: list[int] = field(default_factory=list)
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, micros: list[int]) -> None:
        """Many at once; their order does not matter."""
        if not micros:
            return
        self._extremes(min(micros), max(micros))
        self.count += len(micros)
        self.total += sum(micros)
        self.values.extend(micros)
        if self.buckets or len(self.values) > EXACT:
            self._spill()

    def merge(self, other: Distribution) -> None:
        if not other.count:
            return
        self._extremes(other.smallest, other.largest)
        self.count += other.count
        self.total += other.total
        self.values.extend(other.values)
        for bucket, n in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + n
        if self.buckets or len(self.values) > EXACT:
            self._spill()

    def quantile(self, share: float) -> float:
        """Seconds; the value below which `share` of all lie (nearest rank), 0.0 of none."""
        if not self.count:
            return 0.0
        rank = max(1, -(-int(share * 1_000_000) * self.count // 1_000_000))
        if not self.buckets:
            return sorted(self.values)[rank - 1] / 1e6
        reached = 0
        for bucket in sorted(self.buckets):
            reached += self.buckets[bucket]
            if reached >= rank:
                return min(max(_middle(bucket), self.smallest), self.largest) / 1e6
        return self.largest / 1e6

    @property
    def seconds(self) -> float:
        return self.total / 1e6

    @property
    def mean(self) -> float:
        return self.total / self.count / 1e6 if self.count else 0.0

    def document(self) -> dict[str, object]:
        """What `of` reads back: values that JSON knows."""
        ends = {"count": self.count, "total": self.total, "smallest": self.smallest, "largest": self.largest}
        return {**ends, "values": self.values, "buckets": [list(pair) for pair in sorted(self.buckets.items())]}

    @classmethod
    def of(cls, document: Mapping[str, object]) -> Distribution:
        """Raises TypeError, KeyError or ValueError for what `document` did not write."""
        count, total, smallest, largest = (_whole(document[key]) for key in ("count", "total", "smallest", "largest"))
        values = [_whole(value) for value in _items(document["values"])]
        buckets = {_whole(bucket): _whole(n) for bucket, n in map(_items, _items(document["buckets"]))}
        if len(values) + sum(buckets.values()) != count:
            raise ValueError("the values are not as many as the count says")
        return cls(count, total, smallest, largest, values, buckets)

    def _extremes(self, smallest: int, largest: int) -> None:
        self.smallest = min(self.smallest, smallest) if self.count else smallest
        self.largest = max(self.largest, largest)

    def _spill(self) -> None:
        """Values into buckets: sorted once, then cut at the edges, which is faster than looking each one up."""
        self.values.sort()
        values, at = self.values, 0
        while at < len(values):
            bucket = bisect_right(_EDGES, values[at])
            end = bisect_left(values, _EDGES[bucket], at) if bucket < len(_EDGES) else len(values)
            self.buckets[bucket] = self.buckets.get(bucket, 0) + end - at
            at = end
        self.values.clear()


def _middle(bucket: int) -> float:
    """Of the values v with _EDGES[bucket - 1] <= v < _EDGES[bucket]."""
    if bucket == 0:
        return 0.0
    low = _EDGES[bucket - 1]
    high = _EDGES[bucket] - 1 if bucket < len(_EDGES) else low
    return (low + high) / 2


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _items(value: object) -> Iterable[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value
