"""HTML report: a report comes in, the whole page goes out.

The page loads nothing. Its content security policy allows the one style sheet and the one script by their hashes, so
that no text from the target can become code. Without JavaScript everything but the flame graph is there.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports.html import about, calls, database, findings, flame, lines, log, memory, plans, summary, tables
from perfkit.reports.html.markup import section, text
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.shared import units


def render(report: Report, options: RenderOptions) -> str:
    """Deterministic: the same report gives the same bytes."""
    paths = Paths(report.analysis.run.project)
    style, script = _resource("style.css"), _resource("flame.js")
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
    main = "\n".join(part for part in sections if part)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(report.headline)} · perfkit</title>
<style>{style}</style>
</head>
<body>
{summary.header(report, paths)}
{_navigation(report, main)}
<main>
{main}
</main>
<footer><p class="quiet">perfkit {text(report.analysis.run.perfkit_version)}</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _code(analysis: Analysis, paths: Paths) -> str:
    """Empty for a log, in which no code is seen."""
    if analysis.kind == "log":
        return ""
    return section("code", "Code", flame.flame(analysis, paths), tables.functions(analysis, paths))


def _resource(name: str) -> str:
    return files("perfkit.reports.html").joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    allowed = f"style-src {_source(style)}; script-src {_source(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _source(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _navigation(report: Report, main: str) -> str:
    titles = {
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
    links = [f'<a href="#{name}">{title}</a>' for name, title in titles.items() if f'<section id="{name}"' in main]
    return f'<nav aria-label="Sections">{" ".join(links)}</nav>'
