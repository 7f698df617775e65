"""Reports room: the report as GitHub-flavoured Markdown, for pull requests and chat.

A report comes in; at most 65,536 characters go out (the limit of a GitHub comment). Parts that do not fit are left out
and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from perfkit.model.analysis import EndpointTime
from perfkit.model.finding import Finding, MemoryFinding
from perfkit.model.report import Report
from perfkit.reports import brief, line_text, memory_text, phrases
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import visible
from perfkit.shared import units

LIMIT = 65_536
LOGGED = 20  # statements of a log
ENDPOINTS = 20
ZOOMED, LINES = 3, 8  # functions that were followed, and lines of each
STATEMENT = 100  # characters
UNKNOWN = "–"
MARKS = {"high": "▲", "medium": "■", "low": "●", "info": "·"}

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")
_TICKS = re.compile(r"`+")


def render(report: Report, options: RenderOptions) -> str:
    """Headline, findings in rank order, endpoints, what was not checked."""
    paths = Paths(report.analysis.run.project)
    found = bool(report.findings) or report.analysis.measured <= 0
    opening = [report.headline] if found else phrases.nothing_found(report, paths)
    parts = [f"### {sentence(opening[0][:1000])}\n", *(f"{sentence(line)}\n" for line in opening[1:])]
    parts += [_finding(finding, paths) for finding in report.findings]
    parts += _memory(report, paths)
    parts += [_lines(function, paths) for function in line_text.functions(report.analysis)[:ZOOMED]]
    parts += [
        _endpoints(report),
        _statements(brief.statements(report, paths, STATEMENT)),
        _statements(brief.digest(report, STATEMENT, options.top or LOGGED, options.sort)),
        _time(report),
        *(f"> **Care** {sentence(note)}\n" for note in report.analysis.notes),
    ]
    parts += [_checks(report)]
    return _fit(part for part in parts if part)


def text(value: str) -> str:
    """Untrusted prose: no markup of Markdown or HTML survives, and `@name` notifies nobody."""
    escaped = _SPECIAL.sub(r"\\\1", visible(value))
    return _inert(escape(escaped, quote=False))


def sentence(value: str) -> str:
    """Untrusted prose in which `code` stands between backticks; an odd number of them are ordinary characters."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return "".join(_part(part, index, len(parts) - 1) for index, part in enumerate(parts))


def _part(part: str, index: int, last: int) -> str:
    if index % 2:
        return code(part) if part.strip() else text(f"`{part}`")
    # Between two spans something must stand: their backticks would become one fence.
    return text(part) or ("\u2060" if 0 < index < last else "")


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
    price = f"{phrases.cost(finding)}, {units.share(finding.cost.share)}, {phrases.confidence(finding)}"
    rows = [f"#### {finding.rank} {MARKS[finding.severity]} {sentence(finding.title)}\n", f"**Cost** {text(price)}  "]
    spot = finding.where or finding.inside
    if spot:
        rows.append(
            f"**Where** {code(f'{paths.short(spot.file)}:{spot.line}')} in {code(phrases.call(spot.function))}  "
        )
    if finding.endpoint:
        rows.append(f"**Endpoint** {code(finding.endpoint)}  ")
    rows += [f"**Evidence** {sentence(phrases.evidence(item))}  " for item in finding.evidence[:2]]
    rows.append(f"**Fix** {sentence(finding.advice.text)}  ")
    saving = phrases.saving(finding)
    if saving:
        rows.append(f"**Expect** {text(saving)}  ")
    rows[-1] = rows[-1].rstrip()
    diff = f"\n{block(finding.advice.diff, 'diff')}" if finding.advice.diff else ""
    return "\n".join(rows) + "\n" + diff


def _lines(function: line_text.Annotated, paths: Paths) -> str:
    place = code(f"{paths.short(function.file)}:{function.first_line}")
    name = f"{code(phrases.call(function.function))} at {place}" if function.function else place
    title = f"**Lines** of {name}, {text(', '.join(function.facts()))}\n"
    rows = []
    for line in function.foremost(LINES):
        share = [f"{units.share(line.share):>6}"] if function.counted else []
        size = [f"{'' if line.bytes is None else units.size(line.bytes):>7}"] if function.has_bytes else []
        rows.append(" ".join([f"{line.number:>6}", *share, *size]) + f"  {line.text}")
    return f"{title}\n{block(chr(10).join(rows), 'text')}"


def _memory(report: Report, paths: Paths) -> list[str]:
    facts = memory_text.facts(report.analysis)
    opening = [f"**Memory** {text(' · '.join(facts))}\n"] if facts else []
    return opening + [_memory_finding(finding, paths) for finding in report.memory]


def _memory_finding(finding: MemoryFinding, paths: Paths) -> str:
    price = f"{memory_text.price(finding)}, {phrases.confidence(finding)}"
    rows = [f"#### {finding.rank} {MARKS[finding.severity]} {sentence(finding.title)}\n", f"**Cost** {text(price)}  "]
    spot = finding.where
    if spot:
        function = f" in {code(phrases.call(spot.function))}" if spot.function else ""
        rows.append(f"**Where** {code(paths.at(spot))}{function}  ")
    if finding.endpoint:
        rows.append(f"**Endpoint** {code(finding.endpoint)}  ")
    rows += [f"**Evidence** {sentence(phrases.evidence(item))}  " for item in finding.evidence[:2]]
    return "\n".join([*rows, f"**Fix** {sentence(finding.advice.text)}"]) + "\n"


def _endpoints(report: Report) -> str:
    return "\n".join(_endpoint_table(title, members) for title, members in phrases.endpoint_groups(report.analysis))


_HEADS = {"samples": ["Handler", "Time"], "test": ["Test", "Time"]}


def _endpoint_table(title: str, members: Sequence[EndpointTime]) -> str:
    source = members[0].source
    counted = any(member.queries_per_request for member in members)
    head = _HEADS.get(source, ["Endpoint", "Requests", "p50", "p95", "p99"])
    head = (
        head
        + (["Queries" if source == "test" else "Queries/req"] if counted else [])
        + ["Share of latency" if source == "load" else "Share"]
    )
    rows = [f"**{title}**\n", *_head(head)]
    for member in members[:ENDPOINTS]:
        cells = [_cell(member.endpoint), *_times(member)]
        if counted:
            cells.append(brief.number(member.queries_per_request))
        rows.append(f"| {' | '.join([*cells, units.share(member.share)])} |")
    if len(members) > ENDPOINTS:
        rows.append(f"\n{len(members) - ENDPOINTS} more are in the JSON report.")
    return "\n".join(rows) + "\n"


def _head(titles: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(titles)} |", f"|---|{'--:|' * (len(titles) - 1)}"]


def _cell(value: str) -> str:
    return code(value).replace("|", "\\|")


def _times(endpoint: EndpointTime) -> list[str]:
    if endpoint.source in _HEADS:
        return [units.seconds(endpoint.seconds)]
    latency = (endpoint.p50, endpoint.p95, endpoint.p99)
    requests = UNKNOWN if endpoint.requests is None else units.count(endpoint.requests)
    return [requests, *(UNKNOWN if value is None else units.seconds(value) for value in latency)]


def _statements(table: brief.Brief | None) -> str:
    if table is None:
        return ""
    rows = [
        f"| {' | '.join([_cell(row.name), *row.cells, _cell(row.note) if row.note else UNKNOWN])} |"
        for row in table.rows
    ]
    heads = [head.capitalize() for head in table.heads]
    return "\n".join([f"**{table.title}**\n", *_head(["Statement", *heads, "Where"]), *rows]) + "\n"


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
