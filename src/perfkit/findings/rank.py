"""Turns candidates into one ranked list in which every second has one owner.

Candidates take what nobody owns yet, specific rules before last resorts, larger before smaller. What is left of one that
falls below its own threshold goes back to the others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from perfkit.findings.interface import LINES, Candidate, View
from perfkit.findings.interval import interval
from perfkit.model.finding import Cost, Expected, Finding, Severity

HIGH, MEDIUM = 0.15, 0.05
# Below this many looks one more or less would decide whether there is a finding at all.
LEAST_LOOKS = 8


def take(view: View, candidates: Sequence[Candidate]) -> list[Finding]:
    """Findings in the order in which they took their seconds; `view.left` shrinks by what they own."""
    findings = []
    # A cause with a known remedy goes before one that only names a place.
    for candidate in sorted(
        candidates, key=lambda c: (not c.withheld, c.saves is None, -view.seconds(c.claim), c.rule, c.title)
    ):
        owned = {
            stack: min(part, view.left.get(stack, 1.0))
            for stack, part in candidate.claim.items()
            if view.left.get(stack, 1.0) > 0
        }
        seconds = view.seconds(owned)
        seen = view.analysis.run.engine == LINES or _looks(view, owned) >= LEAST_LOOKS
        if view.share(seconds) < candidate.least or not seen:
            continue
        for stack, part in owned.items():
            view.left[stack] = view.left.get(stack, 1.0) - part
        findings.append(_finding(view, candidate, owned, seconds))
    return findings


def _looks(view: View, owned: dict[int, float]) -> float:
    """Observations behind a claim. What was timed was not seen by chance: its seconds count like looks at them."""
    parts = [(time, owned[time.stack]) for time in view.times if time.stack in owned]
    sampled = sum(time.seconds * part for time, part in parts if not time.timed)
    timed = sum(time.seconds * part for time, part in parts if time.timed)
    looks = sum(time.n * part for time, part in parts if not time.timed)
    return looks + (LEAST_LOOKS if timed >= sampled and timed else 0)


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Most expensive first, last resorts after the causes that cost as much; overlapping intervals share a rank."""
    ordered = sorted(_told_apart(findings), key=lambda f: (-f.cost.seconds, f.key))
    result: list[Finding] = []
    rank = 0
    head: Finding | None = None
    for finding in ordered:
        if head is None or finding.cost.high < head.cost.low:
            rank = len(result) + 1
            head = finding
        result.append(replace(finding, rank=rank))
    return tuple(result)


def _finding(view: View, candidate: Candidate, owned: dict[int, float], seconds: float) -> Finding:
    share = view.share(seconds)
    low, high = (seconds, seconds) if view.exact else interval(view, owned)
    requests = view.analysis.requests if view.analysis.kind == "server" else None
    return Finding(
        key=_key(view, candidate),
        rule=candidate.rule,
        title=candidate.title,
        severity="info" if candidate.informative else severity(share),
        confidence=candidate.confidence,
        cost=Cost(
            seconds,
            share,
            seconds / requests if requests else None,
            "timed" if view.exact else candidate.basis,
            low,
            high,
        ),
        rank=0,
        endpoint=_endpoint(view, owned, seconds),
        where=candidate.where,
        inside=candidate.inside,
        evidence=candidate.evidence,
        advice=candidate.advice,
        expected=None if candidate.saves is None else _expected(seconds, low, candidate.saves),
    )


def _expected(seconds: float, low: float, saves: tuple[float, float]) -> Expected:
    """What the advice saves: never more than the cost that the report states."""
    least, most = saves
    return Expected(seconds * (least + most) / 2, min(low, seconds) * least, seconds * most, "modelled")


def severity(share: float) -> Severity:
    return "high" if share >= HIGH else "medium" if share >= MEDIUM else "low"


def _endpoint(view: View, owned: dict[int, float], seconds: float) -> str | None:
    """The endpoint that carries most of the cost; None where several share it, or what carries it comes before any."""
    by_endpoint: defaultdict[str | None, float] = defaultdict(float)
    for time in view.times:
        by_endpoint[time.endpoint] += time.seconds * owned.get(time.stack, 0.0)
    endpoint = max(by_endpoint, key=lambda name: by_endpoint[name], default=None)
    known = any(found.endpoint == endpoint for found in view.analysis.endpoints)
    return endpoint if known and by_endpoint[endpoint] > 0.6 * seconds else None


def _key(view: View, candidate: Candidate) -> str:
    """Rule, file below the project, function and detail: what stays the same when lines move."""
    spot = candidate.where or candidate.inside
    if spot is None:
        return ":".join(filter(None, (candidate.rule, candidate.detail)))
    file = PurePath(spot.file)
    root = next((root for root in view.analysis.run.project if file.is_relative_to(root)), None)
    name = file.relative_to(root) if root is not None else file.name
    return ":".join(filter(None, (candidate.rule, str(name), spot.function, candidate.detail)))


def _told_apart(findings: Sequence[Finding]) -> list[Finding]:
    """The same findings with a number behind the keys that several share, in the order of their lines."""
    seen: Counter[str] = Counter()
    result = []
    for finding in sorted(findings, key=lambda f: (f.where.line if f.where else 0, f.title)):
        seen[finding.key] += 1
        n = seen[finding.key]
        result.append(replace(finding, key=f"{finding.key}#{n}") if n > 1 else finding)
    return result
