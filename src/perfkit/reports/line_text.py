"""Reports room: functions whose lines were counted or weighed come in, their lines with their source go out, unescaped.

A line has what is known of it: the samples that passed through it, its hits and seconds where it was counted, its bytes where memory
was measured by line.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perfkit.model.analysis import Analysis
from perfkit.model.growth import LineGrowth, Memory
from perfkit.model.memory import LineBytes
from perfkit.model.zoom import LineTotal, Zoomed
from perfkit.shared import units
from perfkit.shared.codeline import Lines

# Functions that are shown for their bytes alone: so many, and from this share of all bytes on.
_WEIGHED, _LEAST_SHARE = 5, 0.01
Spot = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a function: `total` is None for what was not counted, `share` is of the function's seconds. `samples` passed through
    it; `bytes` is None where none were told of it."""

    number: int
    text: str
    total: LineTotal | None
    share: float
    samples: int = 0
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Annotated:
    """One function: `counted` is None where only its bytes are known."""

    function: str
    file: str
    first_line: int
    counted: Zoomed | None
    lines: tuple[SourceLine, ...]

    @property
    def bytes(self) -> int:
        return sum(line.bytes or 0 for line in self.lines)

    @property
    def has_samples(self) -> bool:
        return any(line.samples for line in self.lines)

    @property
    def has_bytes(self) -> bool:
        return any(line.bytes is not None for line in self.lines)

    def facts(self) -> list[str]:
        """`12 calls`, `148 ms`, `3.1 MB`: what is known of the whole."""
        counted = self.counted
        known = [units.plural(counted.calls, "call"), units.seconds(counted.seconds)] if counted else []
        return [*known, *([units.size(self.bytes)] if self.has_bytes else [])]

    def foremost(self, most: int) -> list[SourceLine]:
        """The lines that take most, of time or of memory, in the order of the source."""
        known = [line for line in self.lines if line.total is not None or line.bytes is not None]
        whole = self.bytes or 1
        chosen = sorted(known, key=lambda line: -max(line.share, (line.bytes or 0) / whole))[:most]
        return sorted(chosen, key=lambda line: line.number)


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines of a file that are shown together."""

    function: str
    file: str
    first: int
    last: int
    counted: Zoomed | None

    def holds(self, file: str, line: int) -> bool:
        return file == self.file and self.first <= line <= self.last


def functions(analysis: Analysis) -> list[Annotated]:
    """Those that were counted, the slowest first, then those that took most memory beside them."""
    source, weights = Lines(analysis.sources), bytes_of_lines(analysis.memory)
    parts = [_Part(one.function, one.file, one.first_line, _last(one, source), one) for one in analysis.zoomed]
    parts += _weighed(analysis.memory, parts, source)
    samples = samples_of_lines(analysis, {part.file for part in parts})
    found = []
    for part in parts:
        lines = _lines(part, source, weights, samples)
        found.append(Annotated(part.function, part.file, part.first, part.counted, lines))
    return found


def samples_of_lines(analysis: Analysis, files: set[str]) -> Mapping[Spot, int]:
    """By file and line, for each sample once, whatever the line called."""
    found: Counter[Spot] = Counter()
    for time in analysis.times:
        if not time.timed:
            spots = {(f.file, f.line) for f in analysis.stacks.expand(time.stack) if f.file in files}
            found.update(dict.fromkeys(spots, time.n))
    return found


def bytes_of_lines(memory: Memory | None) -> Mapping[Spot, int]:
    """By file and line: what an engine for memory measured, else what tracemalloc saw stay."""
    found: defaultdict[Spot, int] = defaultdict(int)
    if memory is not None:
        for row in _rows(memory):
            found[row.file, row.line] += row.bytes
    return found


def _rows(memory: Memory) -> Sequence[LineBytes | LineGrowth]:
    return memory.lines or [one for one in memory.allocated if one.origin == "app"]


def _weighed(memory: Memory | None, shown: Sequence[_Part], source: Lines) -> list[_Part]:
    """Functions that are not shown yet, most bytes first."""
    rows = () if memory is None else _rows(memory)
    found: defaultdict[Spot, list[LineBytes | LineGrowth]] = defaultdict(list)
    for row in rows:
        kept = source.function(row.file, row.line)
        if kept is not None and not any(part.holds(row.file, row.line) for part in shown):
            found[row.file, kept.first_line].append(row)
    sizes = {spot: sum(row.bytes for row in same) for spot, same in found.items()}
    least = max(1, _LEAST_SHARE * sum(row.bytes for row in rows))
    most = sorted((spot for spot in found if sizes[spot] >= least), key=lambda spot: -sizes[spot])[:_WEIGHED]
    return [
        _Part(max(same, key=lambda row: row.bytes).function, file, first, max(row.line for row in same), None)
        for file, first in most
        for same in (found[file, first],)
    ]


def _last(zoomed: Zoomed, source: Lines) -> int:
    counted = max(line.line for line in zoomed.lines)
    kept = source.function(zoomed.file, zoomed.first_line)
    return counted if kept is None else max(counted, kept.first_line + kept.text.count("\n"))


def _lines(
    part: _Part, source: Lines, weights: Mapping[Spot, int], samples: Mapping[Spot, int]
) -> tuple[SourceLine, ...]:
    """From the first line to the last of which anything is known, with the lines between them."""
    totals = {total.line: total for total in part.counted.lines} if part.counted else {}
    known = {*totals, *(line for file, line in weights if part.holds(file, line))}
    whole = (part.counted.seconds if part.counted else 0.0) or 1.0
    first = next(
        number for number in range(part.first, max(known) + 1) if number in known or source.text(part.file, number)
    )
    return tuple(
        SourceLine(
            number,
            source.text(part.file, number) or "",
            total,
            total.seconds / whole if total else 0.0,
            samples.get((part.file, number), 0),
            weights.get((part.file, number)),
        )
        for number in range(first, max(known) + 1)
        for total in (totals.get(number),)
    )


def indentation(lines: Iterable[SourceLine]) -> int:
    """Columns that all of them begin with."""
    return min(len(line.text) - len(line.text.lstrip()) for line in lines)
