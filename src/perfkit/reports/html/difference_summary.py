"""HTML report: a difference comes in, what a reader sees first goes out: both sides, a headline, figures, notes."""

from __future__ import annotations

from datetime import UTC, datetime

from perfkit.model.difference import Difference, Totals
from perfkit.model.recording import Run
from perfkit.reports import phrases
from perfkit.reports.html.difference_flame import PER
from perfkit.reports.html.markup import code, definitions, sentence, text
from perfkit.shared import units

CARDS = 4
_SAME = 0.005  # a share that no figure shows


def header(difference: Difference) -> str:
    sides = definitions(
        [
            ("Before", _side(difference.before, difference.totals[0])),
            ("After", _side(difference.after, difference.totals[1])),
        ]
    )
    return (
        f'<header>\n<p class="quiet">perfkit diff</p>\n<h1>{sentence(headline(difference))}</h1>\n'
        f'<p>{_lead(difference)}</p>\n<div class="sides">{sides}</div>\n</header>'
    )


def figures(difference: Difference) -> str:
    cards = "\n".join(_cards(difference))
    shown = f'<dl class="cards">\n{cards}\n</dl>' if cards else ""
    notes = " ".join(f"{text(note[:1].upper() + note[1:].rstrip('.'))}." for note in difference.notes)
    care = f'<p class="care"><strong>Read with care.</strong> {notes}</p>' if notes else ""
    return f'<section id="figures" aria-label="Key figures">\n{shown}\n{care}\n</section>'


def headline(difference: Difference) -> str:
    """What changed most by time, else by statements."""
    if difference.functions:
        first = max(difference.functions, key=lambda one: abs(one.current - one.baseline))
        name = f"`{phrases.call(first.function)}`"
        after, before = units.seconds(first.current), units.seconds(first.baseline)
        if not first.baseline:
            return f"{name} is new, and takes {after}{PER[difference.per]}."
        if not first.current:
            return f"{name} is gone, which took {before}{PER[difference.per]}."
        return f"{name} takes {after}{PER[difference.per]}, {before} before."
    if difference.statements:
        changed = _plural(len(difference.statements), "statement runs", "statements run")
        return f"{changed} more or less often. No function changed by more than chance."
    return "Nothing changed by more than chance."


def _lead(difference: Difference) -> str:
    slower = sum(one.current > one.baseline for one in difference.functions)
    faster = len(difference.functions) - slower
    more = sum(one.current > one.baseline for one in difference.statements)
    less = len(difference.statements) - more
    parts = [
        (slower, _plural(slower, "function is", "functions are") + " slower by more than chance"),
        (faster, _plural(faster, "function is", "functions are") + " faster"),
        (more, _plural(more, "statement runs", "statements run") + " more often"),
        (less, _plural(less, "statement runs", "statements run") + " less often"),
        (len(difference.appeared), _plural(len(difference.appeared), "finding is", "findings are") + " new"),
        (len(difference.gone), _plural(len(difference.gone), "finding is", "findings are") + " gone"),
    ]
    told = [words for n, words in parts if n]
    return f"{text(', '.join(told))}." if told else "Functions, statements and findings are the same on both sides."


def _plural(n: int, one: str, more: str) -> str:
    return f"{units.count(n)} {one if n == 1 else more}"


def _side(run: Run, totals: Totals) -> str:
    duration = units.seconds(run.duration)
    amount = f"{units.plural(totals.requests, 'request')} in {duration}" if totals.requests else duration
    items = [code(run.command), datetime.fromtimestamp(run.started, UTC).strftime("%d %b %Y %H:%M UTC"), amount]
    if run.commit:
        items.append(f"commit {text(run.commit[:12])}")
    return " · ".join(items)


def _cards(difference: Difference) -> list[str]:
    """The most telling figures that both sides have."""
    before, after = difference.totals
    found = []
    if before.latency and after.latency:
        sources = {one.source for pair in difference.endpoints for one in pair if one is not None}
        whose = " for clients" if {"load", "probe"} <= sources else ""
        found.append(_times(f"p50{whose}", before.latency[0], after.latency[0]))
        found.append(_times(f"p95{whose}", before.latency[1], after.latency[1]))
    elif after.kind == "script":
        found.append(_times("Wall time", before.measured, after.measured))
    if before.cpu and after.cpu:
        per = (before.requests, after.requests)
        if per[0] and per[1]:
            found.append(_times("CPU per request", before.cpu / per[0], after.cpu / per[1]))
        elif after.kind == "script":
            found.append(_times("CPU time", before.cpu, after.cpu))
    if before.queries_per_request or after.queries_per_request:
        was, now = before.queries_per_request or 0.0, after.queries_per_request or 0.0
        found.append(_card("Queries per request", f"{was:.4g}", f"{now:.4g}", was, now))
    if before.requests and after.requests and before.serving and after.serving:
        was, now = before.requests / before.serving, after.requests / after.serving
        found.append(_card("Requests per second", f"{was:,.3g}", f"{now:,.3g}", was, now))
    if before.peak and after.peak:
        found.append(_card("Peak memory", units.size(before.peak), units.size(after.peak), before.peak, after.peak))
    return found[:CARDS]


def _times(label: str, was: float, now: float) -> str:
    return _card(label, units.seconds(was), units.seconds(now), was, now)


def _card(label: str, before: str, after: str, was: float, now: float) -> str:
    how = units.change(now / was - 1) if was and abs(now / was - 1) > _SAME else "the same" if was else "new"
    return (
        f'<div class="card"><dt>{text(label)}</dt><dd>{text(before)} → {text(after)}</dd>'
        f'<dd class="moved">{text(how)}</dd></div>'
    )
