"""Reports room: functions that were followed line by line come in, their lines with their source go out, unescaped."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.analysis import Analysis
from perfkit.model.zoom import LineTotal, Zoomed
from perfkit.shared.codeline import Lines


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a function: `total` is None for what never ran, `share` is of the function's seconds."""

    number: int
    text: str
    total: LineTotal | None
    share: float


def annotated(zoomed: Zoomed, analysis: Analysis) -> list[SourceLine]:
    """From the first line to the last that ran, with the lines between them."""
    source, totals = Lines(analysis.sources), {total.line: total for total in zoomed.lines}
    whole = zoomed.seconds or 1.0
    first = next(
        number
        for number in range(zoomed.first_line, max(totals) + 1)
        if number in totals or source.text(zoomed.file, number)
    )
    return [
        SourceLine(number, source.text(zoomed.file, number) or "", total, total.seconds / whole if total else 0.0)
        for number in range(first, max(totals) + 1)
        for total in (totals.get(number),)
    ]


def hottest(zoomed: Zoomed, analysis: Analysis, most: int) -> list[SourceLine]:
    """The lines that take most, in the order of the source."""
    ran = [line for line in annotated(zoomed, analysis) if line.total is not None]
    chosen = sorted(ran, key=lambda line: -line.share)[:most]
    return sorted(chosen, key=lambda line: line.number)
