"""HTML report: a report comes in, what a reader sees first goes out (headline, figures, the time bar)."""

from __future__ import annotations

from datetime import UTC, datetime

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports import phrases
from perfkit.reports.html.markup import code, sentence, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

CARDS = 4
COLORS = 6  # slices that style.css has a colour for


def header(report: Report, paths: Paths) -> str:
    headline = f"<h1>{sentence(_headline(report, paths))}</h1>"
    return f"<header>\n{_circumstances(report)}\n{headline}\n{_lead(report, paths)}\n</header>"


def figures(report: Report) -> str:
    """Four cards, the bar of where time goes, and the notes on how to read the numbers."""
    parts = (_cards(report.analysis), _bar(report.analysis), _care(report.analysis))
    body = "\n".join(part for part in parts if part)
    return f'<section id="figures" aria-label="Key figures">\n{body}\n</section>'


def started(report: Report) -> str:
    return datetime.fromtimestamp(report.analysis.run.started, UTC).strftime("%d %b %Y %H:%M UTC")


def _circumstances(report: Report) -> str:
    analysis, run = report.analysis, report.analysis.run
    duration = units.seconds(run.duration)
    amount = f"{units.plural(analysis.requests, 'request')} in {duration}" if analysis.requests else duration
    items = [f"perfkit {text(run.mode)}", code(run.command), started(report), amount]
    if run.commit:
        items.append(f"commit {text(run.commit[:12])}")
    return f'<p class="quiet">{" · ".join(items)}</p>'


def _headline(report: Report, paths: Paths) -> str:
    if report.findings or report.analysis.measured <= 0:
        return report.headline
    return phrases.nothing_found(report, paths)[0]


def _lead(report: Report, paths: Paths) -> str:
    if not report.findings:
        return "\n".join(f"<p>{text(sentence)}</p>" for sentence in phrases.nothing_found(report, paths)[1:])
    first, *rest = report.findings
    saving = phrases.saving(first)
    fix = (
        f"its fix is expected to give <strong>{text(saving)}</strong>" if saving else "what its fix saves is not known"
    )
    price = f"{text(phrases.cost(first))} ({units.share(first.cost.share)})"
    sentences = [
        f"{units.plural(len(report.findings), 'finding')}.",
        f"The first costs <strong>{price}</strong>; {fix}.",
    ]
    if rest:
        others = units.share(sum(finding.cost.share for finding in rest))
        word = phrases.time_word(report.analysis)
        subject = "The other one is" if len(rest) == 1 else f"The other {len(rest)} together are"
        sentences.append(f"{subject} {others} of {word}.")
    return f"<p>{' '.join(sentences)}</p>"


def _cards(analysis: Analysis) -> str:
    cards = "\n".join(
        f'<div class="card"><dt>{text(label)}</dt><dd>{text(value)}</dd></div>'
        for label, value in _figures(analysis)[:CARDS]
    )
    return f'<dl class="cards">\n{cards}\n</dl>' if cards else ""


def _figures(analysis: Analysis) -> list[tuple[str, str]]:
    """The most telling figures first; those that nothing measured are not among them."""
    found: list[tuple[str, str]] = []
    if analysis.kind == "log" and analysis.log is not None:
        log = analysis.log
        found += [("Executions", units.count(log.events)), ("Statements", units.count(len(log.digests)))]
        found += [("Longest", units.seconds(max((d.time.largest for d in log.digests.values()), default=0) / 1e6))]
    if analysis.requests and analysis.serving_seconds > 0:
        found.append(("Throughput", f"{_digits(analysis.requests / analysis.serving_seconds)} req/s"))
    if analysis.latency:
        both = {"load", "probe"} <= {endpoint.source for endpoint in analysis.endpoints}
        found.append(("p50 / p95 for clients" if both else "p50 / p95", _pair(*analysis.latency[:2])))
    queries = _queries_per_request(analysis)
    if queries:
        found.append(("Queries per request", f"{queries:.1f}"))
    if not analysis.requests and analysis.measured > 0:
        found.append((f"Measured {phrases.time_word(analysis)}", units.seconds(analysis.measured)))
    if analysis.process_times:
        memory = sum(process.peak_pss or process.peak_rss for process in analysis.process_times)
        found.append(("Peak memory", units.size(memory)))
        found.append(("CPU time", units.seconds(sum(process.cpu for process in analysis.process_times))))
    if analysis.samples:
        found.append(("Samples", units.count(analysis.samples)))
    return found


def _pair(low: float, high: float) -> str:
    if high >= 1:
        return f"{units.seconds(low)} / {units.seconds(high)}"
    return f"{_digits(low * 1000)} / {_digits(high * 1000)} ms"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _queries_per_request(analysis: Analysis) -> float | None:
    counted = [(e.requests, e.queries_per_request) for e in analysis.endpoints if e.queries_per_request is not None]
    requests = sum(n or 0 for n, _ in counted)
    return sum((n or 0) * queries for n, queries in counted) / requests if requests else None


def _bar(analysis: Analysis) -> str:
    rects, labels, left = [], [], 0.0
    for i, part in enumerate(analysis.slices):
        color = f"slice-{i % COLORS}"
        rects.append(f'<rect class="{color}" x="{left:.2f}" y="0" width="{part.share * 1000:.2f}" height="10"/>')
        labels.append(
            f'<li><svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="{color}" '
            f'width="10" height="10"/></svg>{text(part.label)} {units.share(part.share)}</li>'
        )
        left += part.share * 1000
    if not rects:
        return ""
    word = phrases.time_word(analysis)
    return (
        f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">{"".join(rects)}</svg>\n'
        f'<p class="legend-title" id="bar-title">Where {word} goes</p>'
        f'<ul class="legend" aria-labelledby="bar-title">{"".join(labels)}</ul>'
    )


def _care(analysis: Analysis) -> str:
    notes = " ".join(text(note) for note in analysis.notes)
    return f'<p class="care"><strong>Read with care.</strong> {notes}</p>' if notes else ""
