"""HTML report: an analysis comes in, its tables go out (endpoints, functions, checks, processes)."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.analysis import Analysis, EndpointTime
from perfkit.model.finding import Check
from perfkit.reports import labels, phrases
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

FUNCTIONS = 25
UNKNOWN = "–"


def endpoints(analysis: Analysis) -> str:
    """What routes took inside, what clients saw and what handlers took, each by seconds. Columns without any value are left
    out."""
    groups = phrases.endpoint_groups(analysis)
    tables = (_endpoint_table(title, members, analysis.serving_seconds) for title, members in groups)
    return section("endpoints", "Endpoints", *tables)


_FIRST = {"probe": "Route", "load": "Endpoint", "samples": "Handler", "test": "Test"}
# What counts requests.
_COUNTED = ("probe", "load")


def _endpoint_table(title: str, members: Sequence[EndpointTime], serving: float) -> str:
    source = members[0].source
    counts = ("Requests", "Req/s", "p50 ms", "p95 ms", "p99 ms") if source in _COUNTED else ("Seconds",)
    queries = "Queries" if source == "test" else "Queries/req"
    titles = (*counts, queries, "Failed", "Share of latency" if source == "load" else "Share")
    columns = [Column(_FIRST[source]), *(Column(title, number=True) for title in titles)]
    cells = [[text(member.endpoint), *_endpoint_cells(member, serving)] for member in members]
    idle = () if any(member.queries_per_request for member in members) else (queries,)
    used = [
        i for i, column in enumerate(columns) if column.title not in idle and any(row[i] != UNKNOWN for row in cells)
    ]
    shown = [[row[i] for i in used] for row in cells]
    return f"<h3>{text(title)}</h3>\n{table(title, [columns[i] for i in used], shown)}"


def _endpoint_cells(endpoint: EndpointTime, serving: float) -> list[str]:
    n = endpoint.requests
    counts = [
        UNKNOWN if n is None else units.count(n),
        UNKNOWN if n is None or serving <= 0 or endpoint.source != "probe" else f"{n / serving:,.1f}",
        *(UNKNOWN if value is None else f"{value * 1000:,.1f}" for value in (endpoint.p50, endpoint.p95, endpoint.p99)),
    ]
    return [
        *(counts if endpoint.source in _COUNTED else [f"{endpoint.seconds:,.2f}"]),
        UNKNOWN if endpoint.queries_per_request is None else f"{endpoint.queries_per_request:,.4g}",
        units.count(endpoint.failed) if endpoint.failed else UNKNOWN,
        units.share(endpoint.share),
    ]


def functions(analysis: Analysis, paths: Paths) -> str:
    """The first 25 by self time, with the same colours' words as the flame graph: app, library, stdlib, native."""
    top = phrases.top_functions(analysis, FUNCTIONS)
    if not top:
        return ""
    columns = [
        Column("Function"),
        Column("Self ms", number=True),
        Column("Share", number=True),
        Column("Total ms", number=True),
        Column("Where"),
        Column("Belongs to"),
    ]
    rows = [
        [
            code(function.function),
            f"{function.self_seconds * 1000:,.0f}",
            units.share(function.self_seconds / analysis.measured) if analysis.measured > 0 else UNKNOWN,
            f"{function.total_seconds * 1000:,.0f}",
            code(f"{paths.short(function.file)}:{function.line}"),
            text(function.distribution or function.origin),
        ]
        for function in top
    ]
    total = sum(function.self_seconds > 0 for function in labels.functions(analysis))
    more = (
        f'<p class="quiet">{len(top)} of {units.plural(total, "function")} with self time.</p>'
        if total > len(top)
        else ""
    )
    return f"<h3>Self time by function</h3>\n{table('Self time by function', columns, rows)}\n{more}"


def checks(values: tuple[Check, ...]) -> str:
    """Every rule and how it went."""
    words = {"found": "found", "clean": "clean", "not_run": "not run"}
    rows = [[code(check.rule), words[check.status], text(check.reason or "")] for check in values]
    if not rows:
        return ""
    body = table("Checks", [Column("Rule"), Column("Result"), Column("Reason")], rows)
    return section("checks", "Checks", f"<details><summary>All {len(rows)} checks</summary>\n{body}\n</details>")


def processes(analysis: Analysis) -> str:
    columns = [
        Column("Process", number=True),
        Column("Command"),
        Column("Python"),
        *(Column(title, number=True) for title in ("CPU s", "Peak RSS", "Peak PSS", "Samples", "Threads")),
    ]
    rows = [
        [
            str(process.pid),
            code(process.command),
            text(process.python or UNKNOWN),
            f"{process.cpu:,.2f}",
            units.size(process.peak_rss),
            UNKNOWN if process.peak_pss is None else units.size(process.peak_pss),
            units.count(process.samples),
            units.count(process.threads),
        ]
        for process in analysis.process_times
    ]
    return f"<h3>Processes</h3>\n{table('Processes', columns, rows)}" if rows else ""
