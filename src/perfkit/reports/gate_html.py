"""Reports room: a verdict as one page that loads nothing: the answer, why, all that was compared, and where the time of slower
endpoints went on both sides, as a differential flame graph."""

from __future__ import annotations

from perfkit.model.gate import Verdict
from perfkit.reports.diff_html import SCRIPTS, STYLES
from perfkit.reports.html import verdict as parts
from perfkit.reports.html.changes import functions
from perfkit.reports.html.difference_flame import flame
from perfkit.reports.html.document import Document
from perfkit.reports.html.markup import section
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths

TITLES = {
    "breaches": "What fails",
    "undecided": "Without an answer",
    "times": "Times",
    "counts": "Counts",
    "code": "Code",
    "remarks": "Beside that",
}


def render(verdict: Verdict, options: RenderOptions) -> str:
    """Deterministic: the same verdict gives the same bytes."""
    # An empty root would hold every absolute file.
    paths = Paths((verdict.root,) if verdict.root else ())
    return Document(
        title=f"{verdict.answer}: {parts.headline(verdict)}",
        header=parts.header(verdict),
        sections=[
            parts.breaches(verdict, paths),
            parts.times(verdict),
            parts.counts(verdict, paths),
            _code(verdict),
            parts.remarks(verdict),
        ],
        titles=TITLES,
        version=verdict.perfkit_version,
        styles=STYLES,
        scripts=SCRIPTS,
    ).html()


def _code(verdict: Verdict) -> str:
    """Both sides are sampled where an endpoint is slower, and only there."""
    trees = [(parts.short(one.unit), one.tree) for one in verdict.sampled]
    tables = [functions(one.functions, one.within_noise, one.per, parts.short(one.unit)) for one in verdict.sampled]
    per = verdict.sampled[0].per if verdict.sampled else "run"
    return section("code", "Code", flame(trees, per), *tables)
