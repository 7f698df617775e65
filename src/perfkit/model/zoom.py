"""Functions that were followed line by line, over all processes."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.recording import Origin


@dataclass(frozen=True, slots=True)
class LineTotal:
    """`seconds` with all that the line called, without what it awaited."""

    line: int
    hits: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Zoomed:
    """One function. Its lines add up to its `seconds`, of which those of a recursive function count more than once."""

    function: str
    file: str
    first_line: int
    origin: Origin
    calls: int
    lines: tuple[LineTotal, ...]

    @property
    def seconds(self) -> float:
        return sum(line.seconds for line in self.lines)

    @property
    def hottest(self) -> LineTotal:
        return max(self.lines, key=lambda line: line.seconds)
