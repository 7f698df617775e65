"""HTML report: a difference comes in, its tables go out: statements, findings, endpoints, what was not measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perfkit.model.analysis import EndpointTime
from perfkit.model.difference import Difference, StatementChange
from perfkit.model.finding import Finding
from perfkit.reports.brief import UNKNOWN
from perfkit.reports.html.changes import moved
from perfkit.reports.html.findings import article
from perfkit.reports.html.markup import Column, code, definitions, section, table, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

STATEMENTS = 50
ENDPOINTS = 100
_LONGEST = 300  # characters of a statement
_STRAYING = 0.1  # percentiles and rates of two runs of the same code differ by as much
_GROUPS = (("Routes, timed inside", "probe"), ("Seen by clients", "load"), ("Handlers", "samples"), ("Tests", "test"))
Pair = tuple[EndpointTime | None, EndpointTime | None]


def statements(difference: Difference, paths: Paths) -> str:
    shown = difference.statements[:STATEMENTS]
    if not shown:
        return ""
    per = "Per run" if difference.per == "run" else "Per request"
    used = any(one.endpoint is not None for one in shown)
    columns = [
        Column("Statement"),
        *([Column("Endpoint")] if used else []),
        Column("Before", number=True),
        Column("After", number=True),
        Column("Change", number=True),
        Column("Where"),
    ]
    rows = [_statement(one, paths, used) for one in shown]
    left = len(difference.statements) - len(shown)
    more = f'<p class="quiet">And {left} more, all in the JSON report.</p>' if left else ""
    note = f'<p class="quiet">{per}. What is not here runs as often as before.</p>'
    return section("statements", "Statements", note, table("Statements", columns, rows), more)


def _statement(one: StatementChange, paths: Paths, used: bool) -> list[str]:
    words = " ".join(one.text.split())
    change = one.current - one.baseline
    return [
        code(words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"),
        *([text(one.endpoint or "")] if used else []),
        f"{one.baseline:,.4g}",
        f"{one.current:,.4g}",
        moved(change, f"{'+' if change > 0 else '−'}{abs(change):,.4g}"),
        code(paths.at(one.where)) if one.where is not None else UNKNOWN,
    ]


def findings(difference: Difference, paths: Paths) -> str:
    word = "wall time" if difference.totals[1].kind == "script" else "request time"

    def articles(title: str, found: Sequence[Finding], opened: bool) -> str:
        if not found:
            return ""
        shown = "\n".join(article(one, word, paths, opened=opened and number == 0) for number, one in enumerate(found))
        return f"<h3>{title} ({len(found)})</h3>\n{shown}"

    return section(
        "findings",
        "Findings",
        articles("New", difference.appeared, True),
        articles("Gone", difference.gone, False),
        "" if difference.appeared or difference.gone else "<p>The same findings on both sides.</p>",
    )


def endpoints(difference: Difference) -> str:
    parts = []
    for title, source in _GROUPS:
        pairs = [pair for pair in difference.endpoints if _source(pair) == source]
        if pairs:
            parts.append(f"<h3>{title}</h3>\n{_endpoint_table(title, pairs[:ENDPOINTS], difference)}")
        if len(pairs) > ENDPOINTS:
            parts.append(f'<p class="quiet">And {len(pairs) - ENDPOINTS} more, all in the JSON report.</p>')
    return section("endpoints", "Endpoints", *parts)


def _source(pair: Pair) -> str:
    known = pair[1] or pair[0]
    return known.source if known is not None else ""


def _endpoint_table(title: str, pairs: Sequence[Pair], difference: Difference) -> str:
    serving = [side.serving for side in difference.totals]

    def rate(one: EndpointTime, side: int) -> float | None:
        return one.requests / serving[side] if one.requests is not None and serving[side] > 0 else None

    wanted: list[tuple[str, Callable[[EndpointTime, int], float | None], Callable[[float], str]]] = [
        ("Req/s", rate, lambda value: f"{value:,.1f}"),
        ("p50 ms", lambda one, _: one.p50, _milliseconds),
        ("p95 ms", lambda one, _: one.p95, _milliseconds),
        ("Queries/req", lambda one, _: one.queries_per_request, lambda value: f"{value:,.4g}"),
    ]
    columns, cells = [Column("Endpoint")], [[_endpoint(pair)] for pair in pairs]
    for name, read, show in wanted:
        values = [tuple(None if one is None else read(one, side) for side, one in enumerate(pair)) for pair in pairs]
        if not any(value for pair in values for value in pair):
            continue
        columns += [Column(name, number=True), Column("Change", number=True)]
        for row, (was, now) in zip(cells, values, strict=True):
            strays = 0.0 if name == "Queries/req" else _STRAYING + difference.busier / (1 - min(difference.busier, 0.9))
            row += [_both(was, now, show), _share(was, now, strays, better_is_more=name == "Req/s")]
    return table(title, columns, cells)


def _endpoint(pair: Pair) -> str:
    known = pair[1] or pair[0]
    state = " (new)" if pair[0] is None else " (gone)" if pair[1] is None else ""
    return f"{text(known.endpoint if known else '')}{state}"


def _milliseconds(value: float) -> str:
    return f"{value * 1000:,.3g}" if value < 1 else f"{value * 1000:,.0f}"


def _both(was: float | None, now: float | None, show: Callable[[float], str]) -> str:
    sides = [UNKNOWN if value is None else show(value) for value in (was, now)]
    return sides[0] if sides[0] == sides[1] else f"{sides[0]} → {sides[1]}"


def _share(was: float | None, now: float | None, strays: float, *, better_is_more: bool) -> str:
    """In colour where it is more than the machine may explain."""
    if not was or now is None:
        return UNKNOWN
    change = now / was - 1
    if abs(change) < 0.0005:
        return "="
    larger = max(now / was, was / now if now else 2.0) - 1 > strays
    return moved(-change if better_is_more else change, units.change(change)) if larger else units.change(change)


def about(difference: Difference) -> str:
    parts = []
    for name, run, totals in zip(
        ("Before", "After"), (difference.before, difference.after), difference.totals, strict=True
    ):
        pairs = [
            ("Command", code(run.command)),
            ("Workload", code(run.workload) if run.workload else ""),
            ("Engine", f"{text(run.engine)}, {run.rate:g} samples/s, {units.count(totals.samples)} samples"),
            ("Machine", f"{text(run.platform)}, {units.plural(run.cores, 'core')}"),
            ("Directory", code(run.cwd)),
            ("Commit", code(run.commit) if run.commit else ""),
            ("Failed", units.count(totals.failed) if totals.failed else ""),
            ("Care", " ".join(text(note) for note in totals.notes)),
        ]
        rows = [[text(gap.what), text(gap.why), text(gap.remedy)] for gap in totals.gaps]
        columns = [Column("Not measured"), Column("Why"), Column("Remedy")]
        gaps = table(f"What was not measured {name.lower()}", columns, rows) if rows else ""
        parts.append(f"<h3>{name}</h3>\n{definitions(pairs)}\n{gaps}")
    return section("about", "About the two", *parts)
