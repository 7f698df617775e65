"""HTML report: functions that were followed line by line come in, their annotated source goes out."""

from __future__ import annotations

from perfkit.model.analysis import Analysis
from perfkit.model.zoom import Zoomed
from perfkit.reports import phrases
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.line_text import SourceLine, annotated
from perfkit.reports.relative import Paths
from perfkit.shared import units


def lines(analysis: Analysis, paths: Paths) -> str:
    """Empty where no line was followed."""
    if not analysis.zoomed:
        return ""
    note = (
        '<p class="quiet">Seconds hold what a line called, and not what it awaited. Counting costs the counted lines time: '
        "shares within a function are exact, its place among others is that of the samples.</p>"
    )
    return section("lines", "Lines", note, *(_function(zoomed, analysis, paths) for zoomed in analysis.zoomed))


def _function(zoomed: Zoomed, analysis: Analysis, paths: Paths) -> str:
    title = f"{code(phrases.call(zoomed.function))} at {code(f'{paths.short(zoomed.file)}:{zoomed.first_line}')}"
    facts = f"{units.plural(zoomed.calls, 'call')}, {units.seconds(zoomed.seconds)}"
    columns = [
        Column("Line", number=True),
        *(Column(name, number=True) for name in ("Hits", "Seconds", "µs a hit", "Share")),
        Column("Source"),
    ]
    rows = [_row(line) for line in annotated(zoomed, analysis)]
    shown = table(f"Lines of {zoomed.function}", columns, rows)
    return f'<h3>{title} <span class="quiet">{text(facts)}</span></h3>\n<div class="source">{shown}</div>'


def _row(line: SourceLine) -> list[str]:
    total = line.total
    source = f"<pre><code>{text(line.text) or ' '}</code></pre>"
    if total is None:
        return [str(line.number), "", "", "", "", source]
    each = total.seconds / total.hits * 1e6 if total.hits else 0.0
    heat = f'<span class="heat" aria-hidden="true"><svg viewBox="0 0 100 4" preserveAspectRatio="none"><rect class="bar-of-time" width="{line.share * 100:.1f}" height="4"/></svg></span>'
    return [
        str(line.number),
        units.count(total.hits),
        f"{total.seconds:,.3f}",
        f"{each:,.1f}",
        f"{units.share(line.share)}{heat}",
        source,
    ]
