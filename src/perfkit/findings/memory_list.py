"""Findings room: what the rules about memory say becomes a list of its own, in bytes and in time to the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import PurePath

from perfkit.findings.allocation_evidence import with_allocations
from perfkit.findings.interface import MemoryCause, MemoryRule, NotRunError, View
from perfkit.model.finding import Check, MemoryFinding, Severity
from perfkit.model.growth import Memory

NOT_FOLLOWED = "memory was not followed: --memory"
_DAY = 86_400.0
# Of the limit: what one jump takes away from everything else.
_HIGH, _MEDIUM = 0.10, 0.02
# Of the time, as in the list of seconds.
_HIGH_SHARE, _MEDIUM_SHARE = 0.15, 0.05
_PEAK = "request-peak"
# Of a growth.
_EXPLAINED, _HANDED_OUT = 0.7, 0.5
_LITTLE = 16 << 20
# What stays of a peak.
_STAYS = ("kept-by-malloc", "fragmentation")
_ORDER: dict[Severity, int] = {"high": 0, "medium": 1, "low": 2, "info": 3}


def memory_of(view: View) -> Memory:
    """Raises NotRunError where memory was not followed."""
    if view.analysis.memory is None:
        raise NotRunError(NOT_FOLLOWED)
    return view.analysis.memory


def memory_findings(view: View, rules: Sequence[MemoryRule]) -> tuple[tuple[MemoryFinding, ...], list[Check]]:
    """The worst first, and how each rule went."""
    told: dict[str, list[MemoryCause]] = {}
    reasons: dict[str, str] = {}
    for rule in rules:
        try:
            told[rule.name] = list(rule.check(view))
        except NotRunError as error:
            reasons[rule.name] = str(error)
    settled = _settled(view, list(chain.from_iterable(told.values())))
    found = [_finding(view, cause) for cause in settled]
    checks = [
        Check(rule.name, "not_run", reasons[rule.name])
        if rule.name in reasons
        else Check(rule.name, "found" if any(cause.rule == rule.name for cause in settled) else "clean")
        for rule in rules
    ]
    found.sort(key=lambda finding: (_ORDER[finding.severity], -finding.bytes, finding.key))
    return tuple(replace(finding, rank=rank) for rank, finding in enumerate(found, 1)), checks


def _settled(view: View, causes: list[MemoryCause]) -> list[MemoryCause]:
    """No byte twice: growth that is known to be outside of Python's objects, or free, is no other leak, a peak may be cycles that
    wait, and what stays of a line's peak is told of that line, with what can be done about it."""
    known = any(cause.rule == "native-growth" for cause in causes)
    left = [cause for cause in causes if not (_is_any_growth(cause) and (known or _is_held_by_nothing(view, cause)))]
    cycles = [cause for cause in left if cause.rule == "reference-cycles"]
    left = [cause for cause in left if not any(_waits_in(cause, one) for one in cycles)]
    peaks = {_spot(cause): cause for cause in left if cause.rule == _PEAK}
    settled = [cause for cause in left if cause.rule != _PEAK and not (cause.rule in _STAYS and _spot(cause) in peaks)]
    settled = [with_allocations(view, cause) for cause in settled]
    for spot, peak in peaks.items():
        stays = [cause for cause in left if cause.rule in _STAYS and _spot(cause) == spot]
        evidence = (*peak.evidence, *(claim for cause in stays for claim in cause.evidence))
        text = "; ".join([peak.advice.text, *(cause.advice.text for cause in stays)])
        settled.append(replace(peak, evidence=evidence, advice=replace(peak.advice, text=text)))
    return settled


def _is_any_growth(cause: MemoryCause) -> bool:
    """A process grows, and all that is known is that it does."""
    return cause.rule == "memory-leak" and cause.where is None and cause.detail == "process"


def _is_held_by_nothing(view: View, cause: MemoryCause) -> bool:
    """Whether what grows is room that nothing uses, malloc's or that of small objects; or a little that neither of them has handed
    out: pages that are touched for the first time."""
    growths = [heap.growth for heap in memory_of(view).heaps if heap.growth is not None]
    if not growths or cause.pace <= 0:
        return False
    free = sum(max(0.0, growth.kept) + max(0.0, growth.loose) for growth in growths)
    used = sum(max(0.0, growth.used) + max(0.0, growth.small) for growth in growths)
    return free > _EXPLAINED * cause.pace or (cause.bytes < _LITTLE and used < _HANDED_OUT * cause.pace)


def _waits_in(cause: MemoryCause, cycles: MemoryCause) -> bool:
    """Whether a peak is what cycles hold until a collection comes."""
    near = cause.where is not None and cycles.where is not None and cause.where.file == cycles.where.file
    return cause.rule == _PEAK and near and cause.bytes <= 2 * cycles.bytes


def _spot(cause: MemoryCause) -> tuple[str, str] | None:
    return None if cause.where is None else (cause.where.file, cause.where.function)


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


def _severity_of_share(share: float) -> Severity:
    return "high" if share >= _HIGH_SHARE else "medium" if share >= _MEDIUM_SHARE else "low"


def _severity(cause: MemoryCause, to_limit: float | None, limit: int | None) -> Severity:
    if cause.pace > 0:
        return (
            "medium" if to_limit is None else "high" if to_limit < _DAY else "medium" if to_limit < 7 * _DAY else "low"
        )
    if cause.share > 0:
        return _severity_of_share(cause.share)
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
