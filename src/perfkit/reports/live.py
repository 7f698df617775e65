"""Reports room: the last seconds of a running process, for a terminal that is refreshed, and as one line.

A report on those seconds comes in, text goes out: use of the machine, endpoints, the project's hottest lines, statements,
and the first causes. Untrusted text is made visible, and nothing is wider than the screen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports import phrases
from perfkit.reports.brief import UNKNOWN, milliseconds, number
from perfkit.reports.interface import RenderOptions
from perfkit.reports.queries import queries
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.reports.wrapping import pad
from perfkit.shared import sqltext, units

ROUTES, LINES, STATEMENTS, CAUSES = 8, 8, 5, 3
_PLACE = 26

Cells = tuple[str, ...]


def picture(report: Report, options: RenderOptions) -> str:
    clean = visible if options.unicode else ascii_only
    paths = Paths(report.analysis.run.project)
    blocks = [
        [report.analysis.run.command, _use(report.analysis)],
        _table("Requests", ("per s", "p50 ms", "p95 ms", "queries/req", "share"), _routes(report), options.width),
        _table("Lines", ("share",), _lines(report.analysis, paths), options.width),
        _table("Statements", ("per s", "per req", "ms/call", "share"), _statements(report), options.width),
        _causes(report, paths),
    ]
    shown = [[_cut(clean(text), options.width) for text in block] for block in blocks if block]
    if options.color:
        shown = [[f"\x1b[1m{first}\x1b[0m", *rest] for first, *rest in shown]
    return "\n\n".join(map("\n".join, shown))


def line(report: Report) -> str:
    """Everything that matters, for who has no terminal."""
    analysis = report.analysis
    hottest = next(iter(_lines(analysis, Paths(analysis.run.project))), None)
    parts = [_use(analysis), *([f"{' '.join(hottest[0].split())} {hottest[1][0]}"] if hottest else [])]
    parts += [finding.title for finding in report.findings[:1] if finding.severity != "info"]
    return visible(" · ".join(parts))


def _use(analysis: Analysis) -> str:
    """CPU of one core is 100 %: as `top` has it."""
    seconds = analysis.serving_seconds or analysis.run.duration
    parts = []
    if seconds:
        parts.append(f"CPU {units.share(sum(one.cpu for one in analysis.process_times) / seconds)}")
    memory = [one.peak_pss for one in analysis.process_times]
    if any(memory):
        parts.append(units.size(sum(filter(None, memory))))
    if analysis.requests and seconds:
        parts.append(f"{analysis.requests / seconds:,.1f} req/s")
    if analysis.latency:
        parts.append(f"p50 {units.seconds(analysis.latency[0])}, p95 {units.seconds(analysis.latency[1])}")
    if analysis.failed_requests:
        parts.append(f"{analysis.failed_requests} failed")
    return " · ".join([*parts, units.plural(len([one for one in analysis.process_times if one.cpu]), "busy process")])


def _routes(report: Report) -> Iterable[tuple[str, Cells]]:
    analysis = report.analysis
    seconds = analysis.serving_seconds
    timed = [one for one in analysis.endpoints if one.source == "probe"] or list(analysis.endpoints)
    for one in timed[:ROUTES]:
        pace = UNKNOWN if one.requests is None or not seconds else number(one.requests / seconds)
        asked = number(one.queries_per_request)
        yield one.endpoint, (pace, milliseconds(one.p50), milliseconds(one.p95), asked, units.share(one.share))


def _lines(analysis: Analysis, paths: Paths) -> list[tuple[str, Cells]]:
    """The project's own lines, by the time of what they do or call."""
    seconds: defaultdict[tuple[str, int, str], float] = defaultdict(float)
    for time in analysis.times:
        frames = analysis.stacks.expand(time.stack)
        own = next((frame for frame in reversed(frames) if frame.origin == "app"), None)
        if own is not None:
            seconds[own.file, own.line, own.function] += time.seconds
    hottest = sorted(seconds.items(), key=lambda item: -item[1])[:LINES]
    return [
        (
            f"{pad(f'{paths.short(file)}:{at}', _PLACE)}  {phrases.call(function)}",
            (units.share(spent / analysis.measured),),
        )
        for (file, at, function), spent in hottest
    ]


def _statements(report: Report) -> Iterable[tuple[str, Cells]]:
    seconds = report.analysis.serving_seconds
    for query in queries(report.analysis)[:STATEMENTS]:
        pace = number(query.count / seconds) if seconds else UNKNOWN
        cells = (pace, number(query.per_request), milliseconds(query.mean + query.reading), units.share(query.share))
        yield sqltext.shortened(query.fingerprint, 90, query.system), cells


def _causes(report: Report, paths: Paths) -> list[str]:
    causes = [finding for finding in report.findings if finding.severity != "info"][:CAUSES]
    return [
        f"{'Cause' if i == 0 else '     '}  {finding.title}  {units.share(finding.cost.share)}"
        + (f"  {paths.at(finding.where)}" if finding.where else "")
        for i, finding in enumerate(causes)
    ]


def _table(title: str, heads: Cells, rows: Iterable[tuple[str, Cells]], width: int) -> list[str]:
    listed = list(rows)
    if not listed:
        return []
    columns = zip(heads, *(cells for _, cells in listed), strict=True)
    widths = [max(map(len, column)) for column in columns]
    room = max(10, width - sum(widths) - 2 * len(widths))

    def row(name: str, cells: Cells) -> str:
        numbers = "".join(f"  {cell:>{w}}" for cell, w in zip(cells, widths, strict=True))
        return pad(_cut(" ".join(name.split("\n")), room), room) + numbers

    return [row(title, heads), *(row(f"  {name}", cells) for name, cells in listed)]


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, max(0, room - 1)) + "…"
