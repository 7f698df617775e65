"""Two recordings beside each other: what changed between them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Literal

from perfkit.model.analysis import EndpointTime, Kind
from perfkit.model.finding import Finding, Place
from perfkit.model.gate import FunctionChange
from perfkit.model.recording import Frame, Gap, Run

# What the seconds of a side are divided by: its requests, nothing, or, where requests were not counted, its seconds of serving.
Per = Literal["request", "run", "second"]
OTHER = Frame("other", "", 0, "native")
"""Stands for all frames of one caller that are too small to be shown."""


@dataclass(frozen=True, slots=True)
class StatementChange:
    """Executions a request of the endpoint; None: of the whole run."""

    endpoint: str | None
    text: str
    baseline: float
    current: float
    where: Place | None


@dataclass(frozen=True, slots=True)
class DifferenceTree:
    """Stacks of both sides as one tree of functions, in preorder: node 0 is the whole, and children add up to no more than their
    parent. Columns by node: `depth`, `name` (an index into `names`, whose lines are 0 and whose files are below their side's own
    folders), and seconds with all that lies below, of one request of `endpoint` (None: of any). `error` is what the difference
    may stray by chance (95 %); what differs by less than `least` seconds is not worth a word."""

    endpoint: str | None
    names: tuple[Frame, ...]
    depth: array[int]
    name: array[int]
    baseline: array[float]
    current: array[float]
    error: array[float]
    least: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """What samples of both sides say of one unit of a gate: functions as in `Difference`, and where its seconds went."""

    unit: str
    per: Per
    functions: tuple[FunctionChange, ...]
    within_noise: int
    tree: DifferenceTree


@dataclass(frozen=True, slots=True)
class Totals:
    """One side as a whole. Seconds and bytes, None where nothing told; `latency` is p50, p95 and p99, `cpu` that of all its
    processes while it was measured."""

    kind: Kind
    measured: float
    serving: float
    requests: int | None
    failed: int
    latency: tuple[float, float, float] | None
    queries_per_request: float | None
    cpu: float | None
    peak: int | None
    samples: int
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`functions` are those whose change is larger than chance, what grew most first; `within_noise` is how many others there are.
    Findings are new or gone by their key, which holds no line. Of `totals` the earlier one is the first; the first of `trees` is
    the whole, those of endpoints follow. `busier` is the share of a time that the machine may explain, which was busier on one
    side; errors count it in."""

    before: Run
    after: Run
    endpoints: tuple[tuple[EndpointTime | None, EndpointTime | None], ...]
    functions: tuple[FunctionChange, ...]
    within_noise: int
    statements: tuple[StatementChange, ...]
    appeared: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    totals: tuple[Totals, Totals]
    per: Per
    trees: tuple[DifferenceTree, ...]
    busier: float = 0.0
    notes: tuple[str, ...] = ()
