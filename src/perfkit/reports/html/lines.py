"""HTML report: functions whose lines were counted or weighed come in, their annotated source goes out."""

from __future__ import annotations

from collections.abc import Callable

from perfkit.model.analysis import Analysis
from perfkit.reports import phrases
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.line_text import Annotated, SourceLine, functions
from perfkit.reports.relative import Paths
from perfkit.shared import units

_COUNTED = (
    "Seconds hold what a line called, and not what it awaited. Counting costs the counted lines time: "
    "shares within a function are exact, its place among others is that of the samples."
)
_WEIGHED = {
    "memory-profiler": "Bytes are what all runs of a line added to resident memory, without what it called; what was given back later is in them.",
    "memray": "Bytes are what the line had allocated, with all that it called, when most memory was in use.",
}
_TRACED = (
    "Bytes are what was allocated at the line, or by what it called as far as frames were kept, and stands at the end but did not "
    "at the beginning."
)


def lines(analysis: Analysis, paths: Paths) -> str:
    """Empty where no line was followed."""
    found = functions(analysis)
    if not found:
        return ""
    notes = [_COUNTED] if any(function.counted for function in found) else []
    if any(function.has_bytes for function in found):
        notes.append(_WEIGHED.get(analysis.run.engine, _TRACED))
    note = f'<p class="quiet">{text(" ".join(notes))}</p>'
    return section("lines", "Lines", note, *(_function(function, paths) for function in found))


def _function(function: Annotated, paths: Paths) -> str:
    place = code(f"{paths.short(function.file)}:{function.first_line}")
    title = f"{code(phrases.call(function.function))} at {place}" if function.function else place
    known = _columns(function)
    columns = [*(Column(head, number=True) for head, _ in known), Column("Source")]
    rows = [[*(cell(line) for _, cell in known), _source(line)] for line in function.lines]
    shown = table(f"Lines of {function.function or paths.short(function.file)}", columns, rows)
    facts = text(", ".join(function.facts()))
    return f'<h3>{title} <span class="quiet">{facts}</span></h3>\n<div class="source">{shown}</div>'


def _columns(function: Annotated) -> list[tuple[str, Callable[[SourceLine], str]]]:
    """What is known of the lines."""
    columns: list[tuple[str, Callable[[SourceLine], str]]] = [("Line", lambda line: str(line.number))]
    if function.has_samples:
        columns.append(("Samples", lambda line: units.count(line.samples) if line.samples else ""))
    if function.counted is not None:
        columns.append(("Hits", lambda line: units.count(line.total.hits) if line.total else ""))
        columns.append(("Seconds", lambda line: f"{line.total.seconds:,.3f}" if line.total else ""))
        columns.append(("µs a hit", _each))
        columns.append(("Share", lambda line: units.share(line.share) + _heat(line.share) if line.total else ""))
    if function.has_bytes:
        whole = function.bytes or 1
        columns.append(("Bytes", lambda line: _size(line.bytes, whole)))
    return columns


def _each(line: SourceLine) -> str:
    if line.total is None:
        return ""
    each = line.total.seconds / line.total.hits * 1e6 if line.total.hits else 0.0
    return f"{each:,.1f}"


def _size(size: int | None, whole: int) -> str:
    return "" if size is None else units.size(size) + _heat(size / whole)


def _heat(share: float) -> str:
    bar = f'<rect class="bar-of-time" width="{share * 100:.1f}" height="4"/>'
    return (
        f'<span class="heat" aria-hidden="true"><svg viewBox="0 0 100 4" preserveAspectRatio="none">{bar}</svg></span>'
    )


def _source(line: SourceLine) -> str:
    return f"<pre><code>{text(line.text) or ' '}</code></pre>"
