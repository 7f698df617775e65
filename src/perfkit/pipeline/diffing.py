"""From two recordings to what changed between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.analysis import Analysis, EndpointTime
from perfkit.model.difference import Difference, Totals
from perfkit.model.finding import Silence
from perfkit.model.recording import Run
from perfkit.model.report import Report

# Share of the time in which it could run that the target waited for a CPU: from such a difference on it is worth a word.
_BUSIER = 0.05


def diff(before: Path, after: Path, silences: Sequence[Silence] = ()) -> Difference:
    """Raises PerfkitError (2) where the two cannot be compared at all: one of a server and one of a script, or a log."""
    from perfkit.pipeline.reporting import report_of

    return difference(report_of(before, silences), report_of(after, silences))


def difference(old: Report, new: Report) -> Difference:
    """Of the earlier one and the later one. Raises PerfkitError (2) as `diff` does."""
    from perfkit.analysis import compare
    from perfkit.analysis.difference_tree import trees

    kinds = (old.analysis.kind, new.analysis.kind)
    if kinds[0] != kinds[1] or "log" in kinds:
        raise PerfkitError(
            f"a recording of a {kinds[0]} and one of a {kinds[1]} cannot be compared.",
            "give two of the same workload",
            USAGE,
        )
    changes = compare.functions(old.analysis, new.analysis)
    told = compare.beyond_chance(changes)
    return Difference(
        before=old.analysis.run,
        after=new.analysis.run,
        endpoints=_endpoints(old, new),
        functions=told,
        within_noise=len(changes) - len(told),
        statements=tuple(compare.statements(old.analysis, new.analysis)),
        appeared=tuple(one for one in new.findings if one.key not in {other.key for other in old.findings}),
        gone=tuple(one for one in old.findings if one.key not in {other.key for other in new.findings}),
        totals=(_totals(old), _totals(new)),
        per=compare.per(old.analysis, new.analysis),
        trees=trees(old.analysis, new.analysis),
        busier=compare.busier(old.analysis, new.analysis),
        notes=_notes(old.analysis, new.analysis),
    )


def _totals(report: Report) -> Totals:
    analysis = report.analysis
    counted = [(one.requests or 0, one.queries_per_request) for one in analysis.endpoints]
    queries = [(n, each) for n, each in counted if each is not None]
    requests = sum(n for n, _ in queries)
    processes = analysis.process_times
    return Totals(
        kind=analysis.kind,
        measured=analysis.measured,
        serving=analysis.serving_seconds,
        requests=analysis.requests,
        failed=analysis.failed_requests,
        latency=analysis.latency,
        queries_per_request=sum(n * each for n, each in queries) / requests if requests else None,
        cpu=sum(one.cpu for one in processes) if processes else None,
        peak=sum(one.peak_pss or one.peak_rss for one in processes) if processes else None,
        samples=analysis.samples,
        gaps=report.gaps,
        notes=analysis.notes,
    )


def _endpoints(old: Report, new: Report) -> tuple[tuple[EndpointTime | None, EndpointTime | None], ...]:
    """By name and by who timed it, in the order of the newer one; None where a side does not have it."""
    before = {(one.source, one.endpoint): one for one in old.analysis.endpoints}
    after = {(one.source, one.endpoint): one for one in new.analysis.endpoints}
    return tuple((before.get(key), after.get(key)) for key in {**after, **before})


def _notes(old: Analysis, new: Analysis) -> tuple[str, ...]:
    before, after = old.run, new.run
    notes = [
        "times were measured at two moments: what the machine did then is in them; perfkit gate measures both at once"
    ]
    queued = [side.pressure.runqueue or 0.0 if side.pressure else 0.0 for side in (old, new)]
    if abs(queued[1] - queued[0]) > _BUSIER:
        which, other = ("after", "before") if queued[1] > queued[0] else ("before", "after")
        notes.append(
            f"others had the CPU for {max(queued):.0%} of the time {which}, and for {min(queued):.0%} {other}: what that may explain "
            "counts as chance, and is in the percentiles"
        )
    if before.platform != after.platform or before.cores != after.cores:
        notes.append("the two are of different machines: only counts can be compared")
    if _without_port(before) != _without_port(after):
        notes.append("they were driven by different workloads")
    return tuple(notes)


def _without_port(run: Run) -> str:
    """Revisions that are measured in one go listen each on one of their own."""
    return re.sub(r"(://[^/\s:]+):\d+", r"\1", run.workload or "")
