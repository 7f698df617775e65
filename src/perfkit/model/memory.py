"""What memory and single lines were seen to do: readings, jumps, containers that the target keeps, and lines that were timed."""

from __future__ import annotations

from dataclasses import dataclass

NO_LINES = "hits and seconds of lines"
"""What a gap is called where lines were asked for and none was counted."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """A reading of one process. `pss` (pages shared with others divided among them) is None where it was not read."""

    at: float
    process: int
    rss: int
    pss: int | None


@dataclass(frozen=True, slots=True)
class Rise:
    """A process took much memory within a moment: `before` is what it had when that began, `rss` what it had when its `stack` was
    looked at. `thread` is the name of the thread that ran."""

    at: float
    process: int
    before: int
    rss: int
    thread: str
    stack: int


@dataclass(frozen=True, slots=True)
class Container:
    """A look at something that lives as long as its process and grows. `name` tells where it hangs (`shop.prices.SEEN`,
    `shop.prices.price_of()` for a cached function), `file` and `line` where that is written.

    `size` is an estimate of its bytes. `bound` is the most that it may hold, `hits` and `misses` are those of a cached
    function; None where there is none.
    """

    at: float
    process: int
    name: str
    kind: str
    file: str
    line: int
    length: int
    size: int
    bound: int | None = None
    hits: int | None = None
    misses: int | None = None


@dataclass(frozen=True, slots=True)
class LineTime:
    """A line of a function that was followed line by line: `seconds` with all that it called, without what it awaited.
    `first_line` and `calls` are the function's."""

    process: int
    function: str
    file: str
    first_line: int
    calls: int
    line: int
    hits: int
    seconds: float
