"""What a recording means: request time by stack, endpoint and function, ready for rules and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfkit.model.recording import Call, Gap, Process, Run, SourceFile, SourceText, StackTable

Kind = Literal["server", "script"]
Unit = Literal["request-seconds", "wall seconds"]
# The gap of every asynchronous server: what its requests await is on no thread's stack.
AWAITING = "time that asynchronous requests spend awaiting"
StackState = Literal["running", "lock", "io", "sleep", "idle"]


@dataclass(frozen=True, slots=True)
class StackTime:
    """Measured seconds of one stack. `clusters` divides them by window, the unit over which intervals are computed.

    `entry` is the index of the first frame inside the request (0 for a script); `n` the samples behind the seconds.
    """

    stack: int
    seconds: float
    n: int
    endpoint: str | None
    entry: int
    state: StackState
    clusters: Mapping[int, float]


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
class EndpointTime:
    """Requests and percentiles (seconds) are None where nothing counted requests; `seconds` is of measured time."""

    endpoint: str
    seconds: float
    share: float
    requests: int | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    queries_per_request: float | None = None
    source: Literal["samples", "load"] = "samples"


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
    """The measured part of a recording. `times` sum to `measured`; start-up, warm-up and idle time are outside it."""

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
    calls: tuple[Call, ...] = ()
    requests: int | None = None
    latency: tuple[float, float, float] | None = None
    failed_requests: int = 0
    samples: int = 0
    windows: int = 0
    notes: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = field(default=())
