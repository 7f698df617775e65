"""Whether something grows: values over time come in, a robust slope with its interval goes out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import median

from perfkit.model.growth import Trend

LEAST_SECONDS = 20
_MOST_POINTS = 150
# The last third's slope against the first third's: below this a plateau is near.
_STEADY = 0.5
# A decline: what is added at the end for each at the beginning, how many standard errors that is, and in how many steps it shows.
_DECLINED = 0.8
_CERTAIN = 2.0
_LEAST_STEPS = 5
# What may be left of the spread of what `shares` divides.
_UNTOLD = 0.5


def floor_of(readings: Sequence[tuple[float, int]], begin: float) -> list[tuple[float, int]]:
    """The least of each second from `begin` on: what is taken and given back within a request is not growth."""
    least: dict[int, int] = {}
    for at, value in readings:
        if at >= begin:
            second = int(at)
            least[second] = min(value, least.get(second, value))
    return [(second + 0.5, value) for second, value in sorted(least.items())]


def trend(points: Sequence[tuple[float, float]]) -> Trend | None:
    """The median of all slopes (Theil and Sen), its interval by Sen's ranks; None for fewer than LEAST_SECONDS points."""
    if len(points) < LEAST_SECONDS:
        return None
    middle, low, high = slope_interval(points)
    return Trend(middle, low, high, points[-1][0] - points[0][0], is_steady(points))


def slope_interval(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """The median of all slopes of two points or more, and the ends of its 95 % interval."""
    thin = points[:: max(1, math.ceil(len(points) / _MOST_POINTS))]
    slopes = sorted(_slopes(thin))
    n = len(thin)
    spread = 1.96 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = slopes[max(0, int((len(slopes) - spread) / 2))]
    high = slopes[min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))]
    return median(slopes), low, high


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of all slopes, without an interval; 0 for fewer than two points."""
    thin = points[:: max(1, math.ceil(len(points) / _MOST_POINTS))]
    return median(_slopes(thin)) if len(thin) > 1 else 0.0


def is_steady(points: Sequence[tuple[float, float]]) -> bool:
    """Whether the last third grows at least half as fast as the first, and as the whole: a single step is no growth."""
    third = (points[-1][0] - points[0][0]) / 3
    first = [point for point in points if point[0] <= points[0][0] + third]
    last = [point for point in points if point[0] >= points[-1][0] - third]
    if len(first) < 2 or len(last) < 2:
        return False
    begins, ends = median(_slopes(first)), median(_slopes(last))
    return ends > 0 and ends >= _STEADY * max(begins, slope(points))


def declines(steps: Sequence[tuple[int, int]]) -> bool:
    """Whether ever less is added for each request: steps are (requests, added), in order. A straight line through the rates,
    weighted by requests."""
    known = [(requests, added / requests) for requests, added in steps if requests]
    if len(known) < _LEAST_STEPS:
        return False
    total = sum(weight for weight, _ in known)
    ends = list(accumulate(weight / total for weight, _ in known))
    places = [end - weight / total / 2 for end, (weight, _) in zip(ends, known, strict=True)]
    rows = [(weight, place, rate) for (weight, rate), place in zip(known, places, strict=True)]
    place = sum(weight * place for weight, place, _ in rows) / total
    rate = sum(weight * rate for weight, _, rate in rows) / total
    width = sum(weight * (at - place) ** 2 for weight, at, _ in rows)
    change = sum(weight * (at - place) * (value - rate) for weight, at, value in rows) / width
    left = sum(weight * (value - rate - change * (at - place)) ** 2 for weight, at, value in rows)
    error = math.sqrt(left / (len(rows) - 2) / width)
    first, last = rate - change * place, rate + change * (1 - place)
    return change < -_CERTAIN * error and last < _DECLINED * first


def _slopes(points: Sequence[tuple[float, float]]) -> list[float]:
    return [(late[1] - early[1]) / (late[0] - early[0]) for at, early in enumerate(points) for late in points[at + 1 :]]


def shares(growth: Sequence[float], counts: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Bytes that one of each kind leaves behind: least squares without negative answers. Kinds that always come together
    cannot be told apart and are left out, and nothing is told where growth does not follow any of them."""
    names = [name for name in counts if not _has_twin(name, counts)]
    found = dict.fromkeys(names, 0.0)
    left = list(growth)
    for _ in range(200):
        for name in names:
            column = counts[name]
            weight = sum(n * n for n in column)
            if not weight:
                continue
            step = sum(n * rest for n, rest in zip(column, left, strict=True)) / weight
            new = max(0.0, found[name] + step)
            change, found[name] = new - found[name], new
            left = [rest - n * change for n, rest in zip(column, left, strict=True)]
    mean = sum(growth) / max(1, len(growth))
    spread = sum((value - mean) ** 2 for value in growth)
    return found if sum(rest * rest for rest in left) < _UNTOLD * spread else {}


def _has_twin(name: str, counts: Mapping[str, Sequence[int]]) -> bool:
    return any(other != name and _correlation(counts[name], counts[other]) > 0.95 for other in counts)


def _correlation(one: Sequence[int], other: Sequence[int]) -> float:
    n = len(one)
    mean_one, mean_other = sum(one) / n, sum(other) / n
    both = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = math.sqrt(sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other))
    return both / spread if spread else 0.0
