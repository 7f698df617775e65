"""Reports room: one line a finding, `path:line: rule severity cost (share) title`, clickable in editors and CI logs.

A report comes in; lines without colour go out, an empty text where nothing was found.
"""

from __future__ import annotations

from perfkit.model.finding import Finding, MemoryFinding
from perfkit.model.report import Report
from perfkit.reports import memory_text, phrases
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.shared import units


def render(report: Report, options: RenderOptions) -> str:
    """In rank order. A finding without a place of its own names the library's, else the endpoint."""
    paths = Paths(report.analysis.run.project)
    clean = visible if options.unicode else ascii_only
    lines = [_line(finding, paths) for finding in report.findings]
    lines += [_memory_line(finding, paths) for finding in report.memory]
    return "".join(clean(line) + "\n" for line in lines)


def _memory_line(finding: MemoryFinding, paths: Paths) -> str:
    place = paths.at(finding.where) if finding.where else finding.endpoint or "(all)"
    return f"{place}: {finding.rule} {finding.severity} {memory_text.price(finding)} {finding.title}"


def _line(finding: Finding, paths: Paths) -> str:
    spot = finding.where or finding.inside
    place = f"{paths.short(spot.file)}:{spot.line}" if spot else finding.endpoint or "(all)"
    price = f"{phrases.cost(finding)} ({units.share(finding.cost.share)})"
    return f"{place}: {finding.rule} {finding.severity} {price} {finding.title}"
