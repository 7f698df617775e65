"""What should be fixed: a finding, its cost, its evidence and its advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfkit.model.recording import Frame, Origin

Severity = Literal["high", "medium", "low", "info"]
ConfidenceLevel = Literal["certain", "high", "medium", "low"]
Basis = Literal["counted", "timed", "sampled", "modelled"]
CheckStatus = Literal["found", "clean", "not_run"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of code. For a finding's `where` it is the project's own line wherever one is on the stack."""

    file: str
    line: int
    function: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Inside:
    """The library function that burns the time on behalf of a `Place`."""

    file: str
    line: int
    function: str
    distribution: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds in the report's unit, their share of what was measured, and a 95 % interval of the seconds."""

    seconds: float
    share: float
    per_request: float | None
    basis: Basis
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Confidence:
    level: ConfidenceLevel
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One claim with its number. `n` is how many observations stand behind the value."""

    claim: str
    value: float | int | str
    unit: str
    n: int | None = None
    where: Place | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do. `diff` is lines that begin with -, + or a space, where the source line allows one."""

    text: str
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """Seconds that the fix is expected to save, as a range."""

    seconds: float
    low: float
    high: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause. `rank` is shared by findings whose intervals overlap; `key` is stable between runs."""

    key: str
    rule: str
    title: str
    severity: Severity
    confidence: Confidence
    cost: Cost
    rank: int
    endpoint: str | None
    where: Place | None
    inside: Inside | None
    evidence: tuple[Evidence, ...]
    advice: Advice
    expected: Expected | None


@dataclass(frozen=True, slots=True)
class MemoryFinding:
    """One cause of memory. `bytes` is what it took while it was measured: growth, or a peak above what was there before.
    `per_request` bytes stay behind, `to_limit` is seconds until the limit at this pace; None where that is not known."""

    key: str
    rule: str
    title: str
    severity: Severity
    confidence: Confidence
    rank: int
    bytes: int
    per_request: float | None
    to_limit: float | None
    endpoint: str | None
    where: Place | None
    evidence: tuple[Evidence, ...]
    advice: Advice


@dataclass(frozen=True, slots=True)
class Check:
    """A rule as it went: it found something, found nothing, or could not run and why."""

    rule: str
    status: CheckStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A line of `[tool.perfkit]` that silences findings: by rule, by place (a glob over file or function), until a date."""

    rule: str
    place: str
    reason: str
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class Silenced:
    finding: Finding
    silence: Silence


@dataclass(frozen=True, slots=True)
class SilencedMemory:
    finding: MemoryFinding
    silence: Silence


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All that the rules said: findings in rank order, what was silenced, and every rule's check. `remarks` are about silences
    that silenced nothing; `sites` tells by stack which frame decided on a statement."""

    findings: tuple[Finding, ...]
    silenced: tuple[Silenced, ...]
    checks: tuple[Check, ...]
    explained: float
    remarks: tuple[str, ...] = ()
    sites: Mapping[int, Frame] = field(default_factory=dict)
    memory: tuple[MemoryFinding, ...] = ()
    silenced_memory: tuple[SilencedMemory, ...] = ()
