"""Reports room: what changed between two recordings, as one page that loads nothing, with a differential flame graph."""

from __future__ import annotations

from perfkit.model.difference import Difference
from perfkit.reports.html import difference_flame, difference_summary, difference_tables
from perfkit.reports.html.changes import functions
from perfkit.reports.html.document import Document
from perfkit.reports.html.markup import section
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths

STYLES = ("style.css", "difference.css")
SCRIPTS = ("flame_graph.js", "flame_difference.js")
TITLES = {
    "functions": "Functions",
    "statements": "Statements",
    "findings": "Findings",
    "endpoints": "Endpoints",
    "code": "Code",
    "about": "About the two",
}


def render(difference: Difference, options: RenderOptions) -> str:
    """Deterministic: the same difference gives the same bytes."""
    paths = Paths((*difference.after.project, *difference.before.project))
    changed = functions(difference.functions, difference.within_noise, difference.per)
    whole = "the whole run" if difference.per == "run" else "all requests"
    trees = [(tree.endpoint or whole, tree) for tree in difference.trees]
    sections = [
        difference_summary.figures(difference),
        section("functions", "Functions", changed),
        difference_tables.statements(difference, paths),
        difference_tables.findings(difference, paths),
        difference_tables.endpoints(difference),
        section("code", "Code", difference_flame.flame(trees, difference.per)),
        difference_tables.about(difference),
    ]
    return Document(
        title=difference_summary.headline(difference).replace("`", ""),
        header=difference_summary.header(difference),
        sections=sections,
        titles=TITLES,
        version=difference.after.perfkit_version,
        styles=STYLES,
        scripts=SCRIPTS,
    ).html()
