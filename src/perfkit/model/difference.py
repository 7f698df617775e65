"""Two recordings beside each other: what changed between them."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.analysis import EndpointTime
from perfkit.model.finding import Finding, Place
from perfkit.model.gate import FunctionChange
from perfkit.model.recording import Run


@dataclass(frozen=True, slots=True)
class StatementChange:
    """Executions a request of the endpoint; None: of the whole run."""

    endpoint: str | None
    text: str
    baseline: float
    current: float
    where: Place | None


@dataclass(frozen=True, slots=True)
class Difference:
    """`functions` are those whose change is larger than chance, what grew most first; `within_noise` is how many others there are.
    Findings are new or gone by their key, which holds no line."""

    before: Run
    after: Run
    endpoints: tuple[tuple[EndpointTime | None, EndpointTime | None], ...]
    functions: tuple[FunctionChange, ...]
    within_noise: int
    statements: tuple[StatementChange, ...]
    appeared: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
