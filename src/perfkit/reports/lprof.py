"""Reports room: counted lines as `python -m line_profiler` prints them.

A report comes in; its functions that were followed line by line go out, the hottest first, with the source that the
recording kept. Times are microseconds, as in the original's output.
"""

from __future__ import annotations

import inspect
import tokenize

from perfkit.errors import PerfkitError
from perfkit.model.report import Report
from perfkit.model.zoom import LineTotal, Zoomed
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import visible
from perfkit.shared.codeline import Lines

_UNIT = 1e-6
_HEAD = ("Line #", "Hits", "Time", "Per Hit", "% Time", "Line Contents")
# Of the columns before the source; the original widens hits, time and time a hit where a number needs it.
_WIDTHS = (6, 9, 12, 8, 8)

Cells = tuple[str, str, str, str]


def render(report: Report, options: RenderOptions) -> str:
    """Raises PerfkitError where no line was counted."""
    analysis = report.analysis
    if not analysis.zoomed:
        raise PerfkitError(
            "lprof shows counted lines, and this recording has none.",
            "measure with perfkit run --lines, or count them now: perfkit zoom RECORDING",
        )
    paths, source = Paths(analysis.run.project), Lines(analysis.sources)
    tables = (_table(zoomed, paths, source) for zoomed in analysis.zoomed)
    return f"Timer unit: {_UNIT:g} s\n\n" + "".join(tables)


def _table(zoomed: Zoomed, paths: Paths, source: Lines) -> str:
    cells = {total.line: _cells(total, zoomed.seconds) for total in zoomed.lines}
    widths = list(_WIDTHS)
    for column in range(3):
        widths[column + 1] = max(widths[column + 1], *(len(each[column]) for each in cells.values()))
    head = _row(widths, *_HEAD)
    lines = [
        f"Total time: {zoomed.seconds:g} s",
        f"File: {visible(paths.short(zoomed.file))}",
        f"Function: {visible(zoomed.function)} at line {zoomed.first_line}",
        "",
        head,
        "=" * len(head),
    ]
    for number, text in enumerate(_block(zoomed, source), zoomed.first_line):
        lines.append(_row(widths, str(number), *cells.get(number, ("",) * 4), _line(text)))
    return "\n".join(lines) + "\n\n"


def _row(widths: list[int], *cells: str) -> str:
    """Columns flush right, then the source as it is."""
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells[:-1], widths, strict=True)) + "  " + cells[-1]


def _cells(total: LineTotal, whole: float) -> Cells:
    """Hits, time, time a hit and share: a number that is too wide for its column in scientific notation."""
    time = total.seconds / _UNIT
    hits = f"{total.hits:d}"
    return (
        hits if len(hits) <= _WIDTHS[1] else f"{total.hits:g}",
        _number(time, _WIDTHS[2]),
        _number(time / total.hits, _WIDTHS[3]) if total.hits else "",
        f"{100 * total.seconds / whole:5.1f}" if whole else "",
    )


def _number(value: float, width: int) -> str:
    text = f"{value:5.1f}"
    return text if len(text) <= width else f"{value:5.3g}"


def _block(zoomed: Zoomed, source: Lines) -> list[str]:
    """The function's lines; where only some of its source was kept, up to the last line that was counted."""
    first, last = zoomed.first_line, max(total.line for total in zoomed.lines)
    kept = source.function(zoomed.file, first)
    if kept is not None:
        lines = kept.text.split("\n")[first - kept.first_line :]
        try:
            block = inspect.getblock([f"{line}\n" for line in lines])
        except (tokenize.TokenError, SyntaxError):
            block = lines
        if first + len(block) > last:
            return block
    return [source.text(zoomed.file, number) or "" for number in range(first, last + 1)]


def _line(text: str) -> str:
    """As it was written, tabs included, without other control characters."""
    return "\t".join(visible(part) for part in text.rstrip("\r\n").split("\t"))
