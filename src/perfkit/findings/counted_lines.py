"""Findings room: what was counted line by line becomes evidence of the findings in those functions. It changes no rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perfkit.model.finding import Evidence, Finding, Place
from perfkit.model.zoom import Zoomed
from perfkit.shared import units

# Below this share of its function a line is one among many.
_LEAST = 0.25


def with_lines(findings: Sequence[Finding], zoomed: Sequence[Zoomed]) -> tuple[Finding, ...]:
    return tuple(_with(finding, zoomed) for finding in findings)


def _with(finding: Finding, zoomed: Sequence[Zoomed]) -> Finding:
    where = finding.where
    around = [one for one in zoomed if where is not None and _holds(one, where)]
    found = max(around, key=lambda one: one.first_line, default=None)
    if where is None or found is None or not found.seconds:
        return finding
    line = found.hottest
    share = line.seconds / found.seconds
    if share < _LEAST:
        return finding
    spot = "This line" if line.line == where.line else f"Line {line.line}"
    claim = f"{spot} ran {units.plural(line.hits, 'time')} in {units.plural(found.calls, 'call')}: {units.share(share)} of the function's time."
    place = replace(where, line=line.line) if line.line != where.line else None
    return replace(finding, evidence=(*finding.evidence, Evidence(claim, share, "share", n=line.hits, where=place)))


def _holds(zoomed: Zoomed, where: Place) -> bool:
    last = max(line.line for line in zoomed.lines)
    return zoomed.file == where.file and zoomed.first_line <= where.line <= last
