"""Reports room: a report comes in, the short tables of narrow formats go out as cells, unescaped: routes and statements."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.analysis import EndpointTime
from perfkit.model.report import Report
from perfkit.reports import phrases
from perfkit.reports.queries import Query, queries
from perfkit.reports.relative import Paths
from perfkit.shared import sqltext, units

MOST = 3
ALLOCATED = 5  # lines whose allocations stay
LEAST = 0.01  # share of the measured time below which a statement is not worth a line
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """`note` says where, or is empty."""

    name: str
    cells: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """`heads` are those of the cells; `more` counts rows that were left out."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    more: int = 0


def routes(report: Report) -> Brief | None:
    """The routes that took most time, as the probe timed them; where it knows none, the handlers that samples saw."""
    timed = [e for e in report.analysis.endpoints if e.source == "probe"]
    if not timed:
        return None
    asked = any(e.queries_per_request for e in timed)
    handlers = [e for e in report.analysis.endpoints if e.source == "samples"]
    rows = tuple(Row(e.endpoint, _route_cells(e, asked)) for e in (*timed[:MOST], *handlers[:MOST]))
    heads = ("n", "p50 ms", "p95 ms", *(("queries/req",) if asked else ()), "share")
    return Brief("Requests", heads, rows, len(timed) + len(handlers) - len(rows))


def tests(report: Report) -> Brief | None:
    """The tests of a suite that took most time."""
    found = [e for e in report.analysis.endpoints if e.source == "test"]
    asked = any(e.queries_per_request for e in found)
    rows = tuple(
        Row(
            e.endpoint,
            (
                milliseconds(e.seconds),
                *((number(e.queries_per_request),) if asked else ()),
                units.share(e.share),
            ),
        )
        for e in found[:MOST]
    )
    return (
        Brief("Tests", ("ms", *(("queries",) if asked else ()), "share"), rows, len(found) - len(rows))
        if rows
        else None
    )


def _route_cells(endpoint: EndpointTime, asked: bool) -> tuple[str, ...]:
    """`asked` tells whether any route runs statements at all."""
    return (
        UNKNOWN if endpoint.requests is None else units.count(endpoint.requests),
        milliseconds(endpoint.p50),
        milliseconds(endpoint.p95),
        *((number(endpoint.queries_per_request),) if asked else ()),
        units.share(endpoint.share),
    )


def allocations(report: Report, paths: Paths) -> Brief | None:
    """The lines at which most of what stays was allocated, as tracemalloc saw it."""
    memory = report.analysis.memory
    if memory is None or not memory.allocated:
        return None
    each = any(one.per_request is not None for one in memory.allocated)
    rows = tuple(
        Row(
            f"{paths.short(one.file)}:{one.line}" + (f"  {phrases.call(one.function)}" if one.function else ""),
            (units.size(one.bytes), units.count(one.blocks), *((units.size(one.per_request or 0.0),) if each else ())),
        )
        for one in memory.allocated[:ALLOCATED]
    )
    heads = ("bytes", "blocks", *(("bytes/req",) if each else ()))
    return Brief("Allocated, and stays", heads, rows, len(memory.allocated) - len(rows))


def statements(report: Report, paths: Paths, width: int) -> Brief | None:
    """The most expensive statements of which no finding speaks, shortened to `width` characters."""
    if report.analysis.kind == "log":
        return None
    spoken = {(f.where.file, f.where.line) for f in report.findings if f.where}
    left = [query for query in queries(report.analysis) if query.share >= LEAST and not _is_at(query, spoken)]
    rows = tuple(
        Row(
            sqltext.shortened(query.fingerprint, width, query.system),
            (
                units.count(query.count),
                number(query.per_request),
                milliseconds(query.mean + query.reading),
                number(query.rows_per_call),
                units.share(query.share),
            ),
            f"{paths.at(query.where)}  {phrases.call(query.where.function)}" if query.where else "",
        )
        for query in left[:MOST]
    )
    return Brief("Statements", ("calls", "per req", "ms/call", "rows/call", "share"), rows) if rows else None


def digest(report: Report, width: int, top: int, sort: str) -> Brief | None:
    """The statements of a log, largest by `sort` first, whatever findings say of them."""
    if report.analysis.kind != "log":
        return None
    found = queries(report.analysis, sort)
    examined = any(query.digest and query.digest.rows_examined is not None for query in found)
    planned = any(query.digest and query.digest.preparing for query in found)
    more = ("sent/call", "read/call") if examined else ("planning",) if planned else ("max",)
    rows = tuple(Row(sqltext.shortened(q.fingerprint, width, q.system), _digest_cells(q, more)) for q in found[:top])
    heads = ("calls", "total", "mean", "p95", *more, "share")
    return Brief("Statements", heads, rows, len(found) - len(rows)) if rows else None


def _digest_cells(query: Query, more: tuple[str, ...]) -> tuple[str, ...]:
    digest = query.digest
    examined = digest.rows_examined if digest else None
    cells = {
        "sent/call": number(query.rows_per_call),
        "read/call": number(None if examined is None else examined / max(1, query.count)),
        "planning": units.seconds(digest.preparing / 1e6) if digest and digest.preparing else UNKNOWN,
        "max": units.seconds(query.percentiles[3]),
    }
    return (
        units.count(query.count),
        units.seconds(query.total),
        units.seconds(query.mean),
        units.seconds(query.percentiles[1]),
        *(cells[name] for name in more),
        units.share(query.share),
    )


def _is_at(query: Query, places: set[tuple[str, int]]) -> bool:
    return query.where is not None and (query.where.file, query.where.line) in places


def milliseconds(value: float | None) -> str:
    """Without its unit, for columns that name it: three digits are what a timing carries."""
    if value is None:
        return UNKNOWN
    scaled = value * 1000
    return f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.1f}" if scaled >= 1 else f"{scaled:.2g}"


def number(value: float | None) -> str:
    """`121`, `1.5`, `0.02`."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
