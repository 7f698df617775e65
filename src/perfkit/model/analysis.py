"""What a recording means: request time by stack, endpoint and function, ready for rules and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfkit.model.counted import Counted
from perfkit.model.growth import Memory
from perfkit.model.plan import NotPlanned, Plan
from perfkit.model.recording import Call, Frame, Gap, Process, Run, SourceFile, SourceText, SpanKind, StackTable
from perfkit.model.sqllog import SqlLog
from perfkit.model.zoom import Zoomed

# log: what a database's log says; its statements are all that is known.
Kind = Literal["server", "script", "log"]
Unit = Literal["request-seconds", "wall seconds", "database seconds"]
# The gap of every asynchronous server: what its requests await is on no thread's stack.
AWAITING = "time that asynchronous requests spend awaiting"
StackState = Literal["running", "lock", "io", "sleep", "idle", "awaiting", "span"]


@dataclass(frozen=True, slots=True)
class StackTime:
    """Measured seconds of one stack. `clusters` divides them by window, the unit over which intervals are computed.

    `entry` is the index of the first frame inside the request (0 for a script); `n` the samples behind the seconds, or
    the spans where they are `timed`, one by one, and not sampled.
    """

    stack: int
    seconds: float
    n: int
    endpoint: str | None
    entry: int
    state: StackState
    clusters: Mapping[int, float]
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """A stack that held the interpreter lock while request time was measured, with its share of all held looks."""

    stack: int
    share: float
    n: int
    in_request: bool
    thread: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Measured seconds of waiting at a lock (`waiting` stack), and the stack that ran meanwhile, where one did."""

    waiting: int
    holder: int | None
    seconds: float
    same_lock: bool


@dataclass(frozen=True, slots=True)
class SpanUse:
    """All spans of one kind, name and call site, on one endpoint. Several uses may share `stack`, the one that has their
    seconds in `times` (where their kind owns time): the route, the call site, and a last frame that stands for the span.

    `text` is a statement's fingerprint (`sample` one wording of it), a template, a module. `seconds` is what requests
    waited, `spent` the whole length of the spans, `percentiles` of one (p50, p95, p99, largest). `counts` tells how many
    requests ran it how often; a script counts as one request. `repeats` are executions whose parameters the request had
    used before, `distinct` the different parameters over all requests. `parent` is the statement that most often ran just
    before the first of a request, with its mean rows.
    """

    kind: SpanKind
    text: str
    sample: str
    system: str
    endpoint: str | None
    stack: int
    count: int
    seconds: float
    spent: float
    percentiles: tuple[float, float, float, float]
    rows: int | None
    fetch: float
    counts: Mapping[int, int]
    repeats: int = 0
    distinct: int | None = None
    parent: str | None = None
    parent_rows: float | None = None

    @property
    def requests(self) -> int:
        return sum(self.counts.values())

    @property
    def per_request(self) -> float:
        """Executions in a request that runs it at all."""
        return self.count / max(1, self.requests)


@dataclass(frozen=True, slots=True)
class EndpointTime:
    """Requests and percentiles (seconds) are None where nothing counted requests; `seconds` is of measured time, `size` the
    mean bytes of a response's body. A test is no request, and has neither; its statements are those of one run."""

    endpoint: str
    seconds: float
    share: float
    requests: int | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    queries_per_request: float | None = None
    source: Literal["samples", "load", "probe", "test"] = "samples"
    failed: int = 0
    size: float | None = None


@dataclass(frozen=True, slots=True)
class FunctionTime:
    """`line` is the hottest line by self time, else by total. `total` counts recursion once."""

    function: str
    file: str
    line: int
    self_seconds: float
    total_seconds: float
    distribution: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class ProcessTime:
    """One process of the target as the kernel saw it. Bytes; seconds of CPU during the measured part."""

    pid: int
    command: str
    python: str | None
    cpu: float
    peak_rss: int
    peak_pss: int | None
    samples: int
    threads: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """What the machine took away. Shares are of the measured part; None where the kernel does not say."""

    load: float
    cores: int
    busy: float
    steal: float
    throttled: float | None
    runqueue: float | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the bar `where the time goes`."""

    label: str
    share: float


@dataclass(frozen=True)
class Analysis:
    """The measured part of a recording. `times` sum to `measured`; start-up, warm-up and idle time are outside it. `sites` tells
    by stack which frame decided on a statement; rules work it out. `log` and `plans` are the database's own evidence, by the
    fingerprints that `uses` have as their text."""

    run: Run
    kind: Kind
    unit: Unit
    measured: float
    serving_seconds: float
    startup_seconds: float
    idle_seconds: float
    background_seconds: float
    stacks: StackTable
    times: tuple[StackTime, ...]
    startup: Mapping[int, float]
    holders: tuple[Holder, ...]
    blocked: tuple[Blocked, ...]
    gil_wait: float
    endpoints: tuple[EndpointTime, ...]
    functions: tuple[FunctionTime, ...]
    slices: tuple[Slice, ...]
    processes: tuple[Process, ...]
    process_times: tuple[ProcessTime, ...]
    pressure: Pressure | None
    files: Mapping[str, SourceFile]
    sources: tuple[SourceText, ...]
    uses: tuple[SpanUse, ...] = ()
    sites: Mapping[int, Frame] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    log: SqlLog | None = None
    plans: tuple[Plan, ...] = ()
    not_planned: tuple[NotPlanned, ...] = ()
    memory: Memory | None = None
    zoomed: tuple[Zoomed, ...] = ()
    counted: tuple[Counted, ...] = ()
    requests: int | None = None
    latency: tuple[float, float, float] | None = None
    failed_requests: int = 0
    samples: int = 0
    windows: int = 0
    notes: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = field(default=())
