"""HTML report: an analysis comes in, the section on statements and connections goes out, as the probe timed them."""

from __future__ import annotations

from collections import defaultdict

from perfkit.model.analysis import Analysis, SpanUse
from perfkit.reports.brief import UNKNOWN, milliseconds, number
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.interface import RenderOptions
from perfkit.reports.queries import Query, queries
from perfkit.reports.relative import Paths
from perfkit.shared import sqltext, units

STATEMENTS = 25
LOGGED = 50
WIDTH = 80  # characters of a statement that is not opened
_BESIDES = {
    "transaction": "Transactions",
    "connect": "Connections opened",
    "pool": "Waits for a connection of the pool",
}


def database(analysis: Analysis, paths: Paths, options: RenderOptions) -> str:
    """Empty where nothing timed a statement."""
    shown = _logged(analysis, options) if analysis.kind == "log" else _statements(analysis, paths)
    return section("database", "Database", shown, _besides(analysis))


def _logged(analysis: Analysis, options: RenderOptions) -> str:
    """Statements as the server logged them, largest by the reader's choice first."""
    found = queries(analysis, options.sort)
    if not found:
        return ""
    counted = any(query.digest and query.digest.rows_examined is not None for query in found)
    planned = any(query.digest and query.digest.preparing for query in found)
    rows = (*(("Rows sent", "Rows read") if counted else ()), *(("Planning",) if planned else ()))
    numbers = ("Calls", "Total", "Mean", "p50", "p95", "p99", "Max", *rows, "Share")
    columns = [Column("Statement"), *(Column(title, number=True) for title in numbers), Column("Runs of")]
    most = options.top or LOGGED
    cells = [_logged_row(query, counted, planned) for query in found[:most]]
    note = (
        '<p class="quiet">Runs of: how often one connection repeated it with other values, after another statement.</p>'
    )
    return f"<h3>Statements</h3>\n{note}\n{table('Statements', columns, cells)}\n{_more(len(found), most)}"


def _logged_row(query: Query, counted: bool, planned: bool) -> list[str]:
    p50, p95, p99, largest = query.percentiles
    examined = query.digest.rows_examined if query.digest else None
    longest = query.digest.repeats.longest if query.digest else 0
    rows = [UNKNOWN if value is None else units.count(value) for value in (query.rows, examined)] if counted else []
    if planned:
        rows.append(units.seconds(query.digest.preparing / 1e6) if query.digest and query.digest.preparing else UNKNOWN)
    return [
        _text(query),
        units.count(query.count),
        *(units.seconds(value) for value in (query.total, query.mean, p50, p95, p99, largest)),
        *rows,
        units.share(query.share),
        f"{units.count(query.n_plus_one)} × up to {units.count(longest)}" if query.n_plus_one else "",
    ]


def _more(found: int, shown: int) -> str:
    if found <= shown:
        return ""
    return f'<p class="quiet">{shown} of {units.plural(found, "statement")}; the JSON report has all.</p>'


def _statements(analysis: Analysis, paths: Paths) -> str:
    found = queries(analysis)
    if not found:
        return ""
    numbers = ("Calls", "Per request", "Mean ms", "p95 ms", "Rows/call", "Reading ms", "Total ms", "Share")
    columns = [Column("Statement"), *(Column(title, number=True) for title in numbers), Column("Where")]
    rows = [_row(query, paths) for query in found[:STATEMENTS]]
    more = _more(len(found), STATEMENTS)
    note = (
        '<p class="quiet">Mean and p95 are of one call until its first row, reading is that of all its rows. '
        "Per request counts the requests that run it at all.</p>"
    )
    return f"<h3>Statements</h3>\n{note}\n{table('Statements', columns, rows)}\n{more}"


def _row(query: Query, paths: Paths) -> list[str]:
    return [
        _text(query),
        units.count(query.count),
        number(query.per_request),
        milliseconds(query.mean),
        milliseconds(query.percentiles[1]),
        number(query.rows_per_call),
        milliseconds(query.reading) if query.fetch else UNKNOWN,
        milliseconds(query.total),
        units.share(query.share),
        code(paths.at(query.where)) if query.where else UNKNOWN,
    ]


def _text(query: Query) -> str:
    """Shortened, and whole behind it; the lines of a long statement stay lines."""
    short = sqltext.shortened(query.sample or query.fingerprint, WIDTH, query.system)
    if "".join(short.split()) == "".join(query.sample.split()):
        return code(short)
    whole = "\n".join(map(text, query.sample.splitlines() or [query.fingerprint]))
    return f'<details class="statement"><summary>{code(short)}</summary><pre><code>{whole}</code></pre></details>'


def _besides(analysis: Analysis) -> str:
    found: defaultdict[tuple[str, str], list[SpanUse]] = defaultdict(list)
    for use in analysis.uses:
        if use.kind in _BESIDES:
            found[use.kind, "" if use.kind == "transaction" else use.text].append(use)
    ordered = sorted(found.items(), key=lambda item: -sum(use.seconds for use in item[1]))
    rows = [_beside(kind, what, uses, analysis) for (kind, what), uses in ordered]
    numbers = ("Count", "Per request", "Mean ms", "Total ms", "Share")
    columns = [Column("What"), *(Column(title, number=True) for title in numbers)]
    label = "Connections and transactions"
    return f"<h3>{label}</h3>\n{table(label, columns, rows)}" if rows else ""


def _beside(kind: str, what: str, uses: list[SpanUse], analysis: Analysis) -> list[str]:
    count, total = sum(use.count for use in uses), sum(use.seconds for use in uses)
    requests = sum(e.requests or 0 for e in analysis.endpoints if e.source == "probe")
    return [
        text(_BESIDES[kind]) + (f": {code(what)}" if what else ""),
        units.count(count),
        number(count / requests if requests else None),
        milliseconds(sum(use.spent for use in uses) / count if count else None),
        milliseconds(total),
        units.share(min(1.0, total / analysis.measured) if analysis.measured > 0 else 0.0),
    ]
