"""Reports room: stretches of time come in, each with a lane goes out, in which stretches lie inside or behind each other.

Viewers of traces draw what shares a lane as a call tree, and drop or distort what overlaps there otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Slice:
    """From `start` to `end`, in whole microseconds. `owner` is the request that it is (`is_owner`) or belongs to, None for none."""

    name: str
    start: int
    end: int
    category: str
    details: dict[str, str | int]
    owner: int | None = None
    is_owner: bool = False


@dataclass(slots=True)
class Lane:
    """`beside` lanes hold what no lane of its request has room for, and what belongs to none. `number` counts each kind from 1."""

    beside: bool
    number: int
    owner: int | None = None
    ends: list[int] = field(default_factory=list)

    def until(self, start: int) -> None:
        """What has ended by then is left."""
        while self.ends and self.ends[-1] <= start:
            self.ends.pop()

    def take(self, found: Slice) -> None:
        if not self.ends:
            self.owner = found.owner if found.is_owner else None
        self.ends.append(found.end)


class Lanes:
    """The lanes of one process."""

    def __init__(self) -> None:
        self._lanes: dict[bool, list[Lane]] = {False: [], True: []}
        self._of: dict[int, Lane] = {}

    def place(self, slices: Iterable[Slice]) -> Iterator[tuple[Lane, Slice]]:
        """In the order of their starts: what is around others comes before them."""
        for found in sorted(slices, key=lambda found: (found.start, -found.end, not found.is_owner)):
            lane = self._around(found) or self._free(found)
            lane.take(found)
            if found.is_owner and found.owner is not None:
                self._of[found.owner] = lane
            yield lane, found

    def _around(self, found: Slice) -> Lane | None:
        """The lane of its request, where it lies inside of what is open there."""
        lane = None if found.is_owner or found.owner is None else self._of.get(found.owner)
        if lane is None:
            return None
        lane.until(found.start)
        return lane if lane.ends and lane.owner == found.owner and found.end <= lane.ends[-1] else None

    def _free(self, found: Slice) -> Lane:
        lanes = self._lanes[not found.is_owner]
        for lane in lanes:
            lane.until(found.start)
            if not lane.ends:
                return lane
        lanes.append(Lane(not found.is_owner, len(lanes) + 1))
        return lanes[-1]
