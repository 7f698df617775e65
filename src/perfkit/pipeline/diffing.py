"""From two recordings to what changed between them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.analysis import EndpointTime
from perfkit.model.difference import Difference
from perfkit.model.finding import Silence
from perfkit.model.recording import Run
from perfkit.model.report import Report

# Of what the endpoint or run takes: a function that changed by less is not worth a line.
_LEAST = 0.01


def diff(before: Path, after: Path, silences: Sequence[Silence] = ()) -> Difference:
    """Raises PerfkitError (2) where the two cannot be compared at all: one of a server and one of a script, or a log."""
    from perfkit.analysis import compare
    from perfkit.pipeline.reporting import report_of

    old, new = report_of(before, silences), report_of(after, silences)
    kinds = (old.analysis.kind, new.analysis.kind)
    if kinds[0] != kinds[1] or "log" in kinds:
        raise PerfkitError(
            f"a recording of a {kinds[0]} and one of a {kinds[1]} cannot be compared.",
            "give two of the same workload",
            USAGE,
        )
    changes = compare.functions(old.analysis, new.analysis)
    whole = sum(one.current for one in changes) or 1.0
    told = [one for one in changes if abs(one.current - one.baseline) > max(one.error, _LEAST * whole)]
    return Difference(
        before=old.analysis.run,
        after=new.analysis.run,
        endpoints=_endpoints(old, new),
        functions=tuple(told),
        within_noise=len(changes) - len(told),
        statements=tuple(compare.statements(old.analysis, new.analysis)),
        appeared=tuple(one for one in new.findings if one.key not in {other.key for other in old.findings}),
        gone=tuple(one for one in old.findings if one.key not in {other.key for other in new.findings}),
        notes=_notes(old.analysis.run, new.analysis.run),
    )


def _endpoints(old: Report, new: Report) -> tuple[tuple[EndpointTime | None, EndpointTime | None], ...]:
    """By name, in the order of the newer one; None where a side does not have it."""
    before = {one.endpoint: one for one in old.analysis.endpoints}
    after = {one.endpoint: one for one in new.analysis.endpoints}
    return tuple((before.get(name), after.get(name)) for name in {**after, **before})


def _notes(before: Run, after: Run) -> tuple[str, ...]:
    notes = [
        "times were measured at two moments: what the machine did then is in them; perfkit gate measures both at once"
    ]
    if before.platform != after.platform or before.cores != after.cores:
        notes.append("the two are of different machines: only counts can be compared")
    if before.workload != after.workload:
        notes.append("they were driven by different workloads")
    return tuple(notes)
