"""HTML report: a report comes in, the whole page goes out."""

from __future__ import annotations

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports.html import about, calls, database, findings, flame, lines, log, memory, plans, summary, tables
from perfkit.reports.html.document import Document
from perfkit.reports.html.markup import section
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.shared import units


def render(report: Report, options: RenderOptions) -> str:
    """Deterministic: the same report gives the same bytes."""
    paths = Paths(report.analysis.run.project)
    sections = [
        summary.figures(report),
        findings.findings(report, paths),
        memory.memory(report, paths),
        tables.endpoints(report.analysis),
        database.database(report.analysis, paths, options),
        plans.plans(report.analysis),
        log.log(report.analysis),
        lines.lines(report.analysis, paths),
        calls.calls(report.analysis.counted, paths),
        _code(report.analysis, paths),
        tables.checks(report.checks),
        about.about(report),
    ]
    header = summary.header(report, paths)
    return Document(report.headline, header, sections, _titles(report), report.analysis.run.perfkit_version).html()


def _code(analysis: Analysis, paths: Paths) -> str:
    """Empty for a log, in which no code is seen."""
    if analysis.kind == "log":
        return ""
    return section("code", "Code", flame.flame(analysis, paths), tables.functions(analysis, paths))


def _titles(report: Report) -> dict[str, str]:
    return {
        "findings": f"Findings ({units.count(len(report.findings))})",
        "memory": f"Memory ({units.count(len(report.memory))})",
        "endpoints": "Endpoints",
        "database": "Database",
        "plans": "Plans",
        "log": "Log",
        "lines": "Lines",
        "calls": "Calls",
        "code": "Code",
        "checks": "Checks",
        "about": "About this run",
    }
