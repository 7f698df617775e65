"""Reports room: the report as GitHub-flavoured Markdown, for pull requests and chat.

A report comes in; at most 65,536 characters go out (the limit of a GitHub comment). Parts that do not fit are left out
and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from perfkit.model.finding import Finding
from perfkit.model.report import Report
from perfkit.reports import phrases
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import visible
from perfkit.shared import units

LIMIT = 65_536
ENDPOINTS = 20
MARKS = {"high": "▲", "medium": "■", "low": "●", "info": "·"}

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")
_TICKS = re.compile(r"`+")


def render(report: Report, options: RenderOptions) -> str:
    """Headline, findings in rank order, endpoints, what was not checked."""
    paths = Paths(report.analysis.run.project)
    found = bool(report.findings) or report.analysis.measured <= 0
    opening = [report.headline] if found else phrases.nothing_found(report, paths)
    parts = [f"### {text(opening[0][:1000])}\n", *(f"{text(sentence)}\n" for sentence in opening[1:])]
    parts += [_finding(finding, paths) for finding in report.findings]
    parts += [_endpoints(report), _time(report), *(f"> **Care** {text(note)}\n" for note in report.analysis.notes)]
    parts += [_checks(report)]
    return _fit(part for part in parts if part)


def text(value: str) -> str:
    """Untrusted prose: no markup of Markdown or HTML survives, and `@name` notifies nobody."""
    escaped = _SPECIAL.sub(r"\\\1", visible(value))
    return _inert(escape(escaped, quote=False))


def code(value: str) -> str:
    """Untrusted text as a code span that its own backticks cannot close."""
    shown = visible(value)
    fence = "`" * (_longest_run(shown) + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def block(source: str, language: str) -> str:
    """Untrusted lines as a fenced block that they cannot close."""
    fence = "`" * max(3, _longest_run(source) + 1)
    lines = "\n".join(visible(line) for line in source.splitlines())
    return f"{fence}{language}\n{lines}\n{fence}\n"


def _inert(prose: str) -> str:
    """Word joiners keep GitHub from linking addresses and from notifying the people whose names are decorators."""
    return prose.replace("@", "@\u2060").replace("://", ":\u2060//")


def _longest_run(value: str) -> int:
    return max((len(run) for run in _TICKS.findall(value)), default=0)


def _finding(finding: Finding, paths: Paths) -> str:
    price = f"{phrases.cost(finding)}, {units.share(finding.cost.share)}, {finding.confidence.level}"
    rows = [f"#### {finding.rank} {MARKS[finding.severity]} {text(finding.title)}\n", f"**Cost** {text(price)}  "]
    spot = finding.where or finding.inside
    if spot:
        rows.append(
            f"**Where** {code(f'{paths.short(spot.file)}:{spot.line}')} in {code(phrases.call(spot.function))}  "
        )
    if finding.endpoint:
        rows.append(f"**Endpoint** {code(finding.endpoint)}  ")
    rows += [f"**Evidence** {text(phrases.evidence(item))}  " for item in finding.evidence[:2]]
    rows.append(f"**Fix** {text(finding.advice.text)}  ")
    saving = phrases.saving(finding)
    if saving:
        rows.append(f"**Expect** {text(saving)}  ")
    rows[-1] = rows[-1].rstrip()
    diff = f"\n{block(finding.advice.diff, 'diff')}" if finding.advice.diff else ""
    return "\n".join(rows) + "\n" + diff


def _endpoints(report: Report) -> str:
    endpoints = sorted(report.analysis.endpoints, key=lambda endpoint: -endpoint.seconds)
    if not endpoints:
        return ""
    rows = ["| Endpoint | Requests | p50 | p95 | Queries/req | Share |", "|---|--:|--:|--:|--:|--:|"]
    for endpoint in endpoints[:ENDPOINTS]:
        cells = [
            code(endpoint.endpoint).replace("|", "\\|"),
            "–" if endpoint.requests is None else units.count(endpoint.requests),
            "–" if endpoint.p50 is None else units.seconds(endpoint.p50),
            "–" if endpoint.p95 is None else units.seconds(endpoint.p95),
            "–" if endpoint.queries_per_request is None else f"{endpoint.queries_per_request:g}",
            units.share(endpoint.share),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    if len(endpoints) > ENDPOINTS:
        rows.append(f"\n{len(endpoints) - ENDPOINTS} more endpoints are in the JSON report.")
    return "\n".join(rows) + "\n"


def _time(report: Report) -> str:
    share = phrases.explained(report) if report.findings else None
    items = [f"Explained {units.share(share)}"] if share is not None else []
    items += [f"{text(part.label)} {units.share(part.share)}" for part in report.analysis.slices]
    return " · ".join(items) + "\n" if items else ""


def _checks(report: Report) -> str:
    unchecked = "".join(f"- Not checked: {text(item)}\n" for item in phrases.unchecked(report))
    silenced = "".join(
        f"- Silenced: {code(item.finding.key)}, {text(item.silence.reason)}\n" for item in report.silenced
    )
    summary = _inert(escape(visible(phrases.checks_ran(report))))
    if not unchecked and not silenced:
        return f"{text(phrases.checks_ran(report))}\n" if report.checks else ""
    return f"<details><summary>{summary}</summary>\n\n{unchecked}{silenced}\n</details>\n"


def _fit(parts: Iterable[str]) -> str:
    notice = "{} more parts did not fit into 65,536 characters; they are in the HTML and JSON reports.\n"
    room = LIMIT - len(notice) - 10
    kept: list[str] = []
    dropped = 0
    for part in parts:
        if len(part) + 1 <= room:
            kept.append(part)
            room -= len(part) + 1
        else:
            dropped += 1
    return "\n".join(kept + ([notice.format(dropped)] if dropped else []))
