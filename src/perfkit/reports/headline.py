"""Reports room: the one sentence that stands above everything else."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.analysis import AWAITING, Analysis
from perfkit.model.finding import Finding, Silenced
from perfkit.shared import units
from perfkit.shared.naming import code_name

# Fewer samples than this cannot show that nothing is wrong: a cause of 10 % would be seen three times.
ENOUGH = 30


def headline(analysis: Analysis, findings: Sequence[Finding], silenced: Sequence[Silenced] = ()) -> str:
    """What costs most and how much of the time it is, or that nothing does; what is silenced is not passed over."""
    whole = _whole(analysis)
    if analysis.kind == "log" and not analysis.uses:
        return "The log holds no statement with a duration."
    if not analysis.measured:
        if analysis.memory is not None and analysis.memory.lines:
            return "Memory was measured, and no time."
        return "No request was measured." if analysis.kind == "server" else "Nothing was measured."
    hidden = sum(found.finding.cost.share for found in silenced)
    if analysis.requests and analysis.failed_requests > 0.5 * analysis.requests:
        return f"{analysis.failed_requests:,} of {analysis.requests:,} requests failed: this is the cost of failing."
    besides = f"Besides {units.share(hidden)} that is silenced: " if silenced else ""
    looks = sum(time.n for time in analysis.times)
    if not findings and looks < ENOUGH and analysis.kind != "log":
        return f"{besides}{'o' if besides else 'O'}nly {units.plural(looks, 'sample')} fell into {whole}: too few to judge."
    if not findings:
        return f"{besides}{'n' if besides else 'N'}o finding above 1% of {whole}."
    first = next((finding for finding in findings if finding.severity != "info"), findings[0])
    if first.severity == "info":
        cause = f"{'n' if besides else 'N'}o known cause found. Most {'other ' if silenced else ''}time is in {_place(first)}"
        return f"{besides}{cause}: {units.share(first.cost.share)} of {whole}."
    return f"{besides}{first.title}. That is {units.share(first.cost.share)} of {whole}."


def _whole(analysis: Analysis) -> str:
    if analysis.kind != "server":
        return "the time in the database" if analysis.kind == "log" else "the run"
    # A request that awaits is on no stack: then the whole is what runs, not what clients wait for.
    awaits = any(gap.what == AWAITING for gap in analysis.gaps)
    return "the time in which requests run" if awaits else "all request time"


def _place(finding: Finding) -> str:
    return code_name(finding.where.function, finding.where.file) if finding.where else finding.title
