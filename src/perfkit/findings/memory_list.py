"""Findings room: what the rules about memory say becomes a list of its own, in bytes and in time to the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from perfkit.findings.interface import MemoryCause, MemoryRule, NotRunError, View
from perfkit.model.finding import Check, MemoryFinding, Severity
from perfkit.model.growth import Memory

NOT_FOLLOWED = "memory was not followed: --memory"
_DAY = 86_400.0
# Of the limit: what one jump takes away from everything else.
_HIGH, _MEDIUM = 0.10, 0.02
_ORDER: dict[Severity, int] = {"high": 0, "medium": 1, "low": 2, "info": 3}


def memory_of(view: View) -> Memory:
    """Raises NotRunError where memory was not followed."""
    if view.analysis.memory is None:
        raise NotRunError(NOT_FOLLOWED)
    return view.analysis.memory


def memory_findings(view: View, rules: Sequence[MemoryRule]) -> tuple[tuple[MemoryFinding, ...], list[Check]]:
    """The worst first, and how each rule went."""
    found: list[MemoryFinding] = []
    checks = []
    for rule in rules:
        try:
            causes = list(rule.check(view))
        except NotRunError as error:
            checks.append(Check(rule.name, "not_run", str(error)))
            continue
        found += [_finding(view, cause) for cause in causes]
        checks.append(Check(rule.name, "found" if causes else "clean"))
    found.sort(key=lambda finding: (_ORDER[finding.severity], -finding.bytes, finding.key))
    return tuple(replace(finding, rank=rank) for rank, finding in enumerate(found, 1)), checks


def _finding(view: View, cause: MemoryCause) -> MemoryFinding:
    memory = memory_of(view)
    now = max((used for _, used in memory.total), default=0)
    left = None if memory.limit is None else max(0, memory.limit - now)
    to_limit = left / cause.pace if left is not None and cause.pace > 0 else None
    return MemoryFinding(
        key=_key(view, cause),
        rule=cause.rule,
        title=cause.title,
        severity=_severity(cause, to_limit, memory.limit),
        confidence=cause.confidence,
        rank=0,
        bytes=cause.bytes,
        per_request=cause.per_request,
        to_limit=to_limit,
        endpoint=cause.endpoint,
        where=cause.where,
        evidence=cause.evidence,
        advice=cause.advice,
    )


def _severity(cause: MemoryCause, to_limit: float | None, limit: int | None) -> Severity:
    if cause.pace > 0:
        return (
            "medium" if to_limit is None else "high" if to_limit < _DAY else "medium" if to_limit < 7 * _DAY else "low"
        )
    share = cause.bytes / limit if limit else 0.0
    return "high" if share >= _HIGH else "medium" if share >= _MEDIUM else "low"


def _key(view: View, cause: MemoryCause) -> str:
    """As other findings': nothing that moves with a line."""
    parts = [cause.rule]
    if cause.where is not None:
        file = PurePath(cause.where.file)
        root = next((root for root in view.analysis.run.project if file.is_relative_to(root)), None)
        parts += [str(file.relative_to(root)) if root else file.name, cause.where.function]
    return ":".join(filter(None, (*parts, cause.detail)))
