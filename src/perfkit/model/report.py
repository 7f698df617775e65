"""All that a report format may see. A format is a function of this value and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.analysis import Analysis
from perfkit.model.finding import Check, Finding, MemoryFinding, Silenced, SilencedMemory
from perfkit.model.recording import Gap


@dataclass(frozen=True, slots=True)
class Accounting:
    """measured = explained + unexplained, in the analysis' unit."""

    measured: float
    explained: float
    unexplained: float


@dataclass(frozen=True, slots=True)
class Report:
    """Files in `findings` and `analysis` are absolute; `relative` of the reports room shortens them when shown."""

    headline: str
    analysis: Analysis
    findings: tuple[Finding, ...]
    silenced: tuple[Silenced, ...]
    checks: tuple[Check, ...]
    accounting: Accounting
    gaps: tuple[Gap, ...]
    recording: str | None = None
    html: str | None = None
    overhead: float | None = None
    memory: tuple[MemoryFinding, ...] = ()
    silenced_memory: tuple[SilencedMemory, ...] = ()
