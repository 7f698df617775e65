"""Reports room: the one sentence that stands above everything else."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.analysis import Analysis
from perfkit.model.finding import Finding
from perfkit.shared import units
from perfkit.shared.naming import code_name


def headline(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What costs most and how much of the time it is, or that nothing does."""
    whole = "all request time" if analysis.kind == "server" else "the run"
    if not analysis.measured:
        return "No request was measured." if analysis.kind == "server" else "Nothing was measured."
    if not findings:
        return f"No finding above 1% of {whole}."
    first = next((finding for finding in findings if finding.severity != "info"), findings[0])
    if first.severity == "info":
        return f"No known cause found. Most time is in {_place(first)}: {units.share(first.cost.share)} of {whole}."
    return f"{first.title}. That is {units.share(first.cost.share)} of {whole}."


def _place(finding: Finding) -> str:
    return code_name(finding.where.function, finding.where.file) if finding.where else finding.title
