"""Who fills a container: its lengths over time and how many requests of each endpoint had ended by then come in, the one endpoint
that explains them goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfkit.model.memory import Container

# Looks in all processes: fewer are fitted by anything.
_LEAST_LOOKS = 6
# The next best endpoint, and a second one beside the best, as the squares that they leave.
_BETTER = 4.0
# What the best may leave, as a share of the growth, or in entries: requests are under way when one looks.
_LEFT = 0.03
_UNDER_WAY = 1.5
_HALF_AN_ENTRY = 0.5  # a fit cannot be trusted to be better
_SECOND = 0.2


@dataclass(frozen=True, slots=True)
class Filler:
    """`each` entries come with a request. `ended`: of its requests at each look, by process. `alone`: nobody else fills it as well,
    or could; without it this is only who explains it best."""

    endpoint: str
    each: float
    ended: Sequence[Sequence[int]]
    alone: bool


def of(looks: Sequence[Sequence[Container]], ended: Sequence[Mapping[str, Sequence[int]]]) -> Filler | None:
    """`looks` at it by process, and for each endpoint of that process how many requests had ended at each. None without requests."""
    names = sorted({name for counts in ended for name in counts})
    columns = {
        name: [list(counts.get(name, [0] * len(rows))) for rows, counts in zip(looks, ended, strict=True)]
        for name in names
    }
    grown = _risen([[row.length for row in rows] for rows in looks])
    risen = {name: _risen(column) for name, column in columns.items()}
    if not names:
        return None
    even = min(names, key=lambda name: _left(grown, risen[name]))
    alone = len(names) == 1 or (len(grown) >= _LEAST_LOOKS and _stands_out(grown, risen, even))
    best = even if alone else min(names, key=lambda name: _left_bent(grown, risen[name]))
    return Filler(best, _each(grown, risen[best]), columns[best], alone)


def _stands_out(grown: Sequence[int], risen: Mapping[str, Sequence[int]], best: str) -> bool:
    """Not where several endpoints fill it, nor where they come in the same mix all the time."""
    left = max(_left(grown, risen[best]), len(grown) * _HALF_AN_ENTRY**2)
    if left > len(grown) * max(_UNDER_WAY, _LEFT * max(grown)) ** 2:
        return False
    others = [counts for name, counts in risen.items() if name != best]
    others.append([sum(counts) for counts in zip(*risen.values(), strict=True)])
    return all(
        _left(grown, counts) >= _BETTER * left and not _is_second(grown, risen[best], counts, left) for counts in others
    )


def _risen(columns: Sequence[Sequence[int]]) -> list[int]:
    """Since the first look of each process."""
    return [value - column[0] for column in columns for value in column]


def _each(grown: Sequence[int], counts: Sequence[int]) -> float:
    weight = sum(n * n for n in counts)
    return sum(n * value for n, value in zip(counts, grown, strict=True)) / weight if weight else 0.0


def _left(grown: Sequence[int], counts: Sequence[int]) -> float:
    """Squares, where each request adds as much."""
    each = _each(grown, counts)
    return sum((value - each * n) ** 2 for n, value in zip(counts, grown, strict=True))


def _left_bent(grown: Sequence[int], counts: Sequence[int]) -> float:
    """Squares, where each request adds less than the one before."""
    return _fit(grown, counts, [n * n for n in counts])[0]


def _is_second(grown: Sequence[int], best: Sequence[int], other: Sequence[int], left: float) -> bool:
    """Whether both together explain it much better, and the other has a fair share."""
    rest, _, each = _fit(grown, best, other)
    return rest * _BETTER < left and each * max(other) > _SECOND * max(grown)


def _fit(grown: Sequence[int], one: Sequence[int], other: Sequence[int]) -> tuple[float, float, float]:
    """The squares that are left, and what a unit of each adds."""
    aa, bb = sum(n * n for n in one), sum(m * m for m in other)
    ab = sum(n * m for n, m in zip(one, other, strict=True))
    ay = sum(n * value for n, value in zip(one, grown, strict=True))
    by = sum(m * value for m, value in zip(other, grown, strict=True))
    apart = aa * bb - ab * ab
    first, second = (
        ((ay * bb - by * ab) / apart, (by * aa - ay * ab) / apart) if apart else (ay / aa if aa else 0.0, 0.0)
    )
    left = sum((value - first * n - second * m) ** 2 for n, m, value in zip(one, other, grown, strict=True))
    return left, first, second
