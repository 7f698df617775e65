"""Lines that were timed with all that they called: what each did itself, and along which lines it was reached.

line_profiler knows no callers. A function's seconds belong to the lines that name it, as far as these lines took so long;
among several they are divided by how often each ran.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfkit.collectors.call_sites import CallSites

_MOST_WAYS = 8
_LAMBDA = "<lambda>"


@dataclass(frozen=True)
class Counted:
    """A function as it was counted: `lines` gives hits and seconds of each."""

    function: str
    file: str
    first_line: int
    calls: int
    lines: Mapping[int, tuple[int, float]]

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.lines.values())


# A line of a function: the number of the function, and the line.
Spot = tuple[int, int]
# Lines through which something was reached, root first, and its share of all ways.
Way = tuple[tuple[Spot, ...], float]


class OwnLines:
    """`left` is each line's own seconds. With the ways they add up to what was timed, each second once, as far as the source
    tells who calls whom; `unseen` are functions that no line names."""

    def __init__(self, functions: Sequence[Counted], sites: CallSites) -> None:
        self.functions = functions
        self.unseen: list[Counted] = []
        self.left: dict[Spot, float] = {}
        self._spots: defaultdict[tuple[str, int], list[Spot]] = defaultdict(list)
        for number, one in enumerate(functions):
            for line, (_, seconds) in one.lines.items():
                self.left[number, line] = seconds
                self._spots[one.file, line].append((number, line))
        self._callers = [self._divide(number, one, sites) for number, one in enumerate(functions)]
        self._ways: dict[int, list[Way]] = {}

    def _divide(self, number: int, one: Counted, sites: CallSites) -> dict[Spot, float]:
        """The lines from which a function was called, with the seconds that they owe to it, taken from what they have left."""
        lines = {(one.file, one.first_line)} if one.function.endswith(_LAMBDA) else sites.of(one.file, one.first_line)
        named = [spot for line in sorted(lines) for spot in self._spots.get(line, ())]
        outside = [spot for spot in named if spot[0] != number]
        taken = self._take(one.seconds, outside)
        # What a recursive function spends in itself is that of its line that names it.
        self._take(one.seconds - sum(taken.values()), [spot for spot in named if spot[0] == number])
        if not outside:
            self.unseen.append(one)
        return taken

    def _take(self, seconds: float, spots: Sequence[Spot]) -> dict[Spot, float]:
        """By hits, and from none more than it has."""
        taken: defaultdict[Spot, float] = defaultdict(float)
        givers = [spot for spot in spots if self.left[spot] > 0]
        while seconds > 1e-9 and givers:
            total = sum(self._hits(spot) for spot in givers)
            wanted = {spot: seconds * self._hits(spot) / total for spot in givers}
            for spot, part in wanted.items():
                part = min(part, self.left[spot])
                self.left[spot] -= part
                taken[spot] += part
                seconds -= part
            givers = [spot for spot in givers if self.left[spot] > 1e-9]
        return dict(taken)

    def _hits(self, spot: Spot) -> int:
        return self.functions[spot[0]].lines[spot[1]][0]

    def ways(self, number: int) -> list[Way]:
        """How a function was reached; a part that came from nowhere has no lines."""
        known = self._ways.get(number)
        if known is not None:
            return known
        self._ways[number] = [((), 1.0)]  # for those that call each other
        total = self.functions[number].seconds
        ways: list[Way] = []
        for spot, seconds in self._callers[number].items():
            ways += [((*before, spot), share * seconds / total) for before, share in self.ways(spot[0])]
        ways = sorted(ways, key=lambda way: -way[1])[:_MOST_WAYS]
        rest = 1.0 - sum(share for _, share in ways)
        self._ways[number] = [*ways, *([((), rest)] if rest > 1e-6 else [])]
        return self._ways[number]
