"""What was measured: the nouns of one recording, as they are written to and read from its file."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from perfkit.model.memory import (
    Allocation,
    Container,
    Garbage,
    Heap,
    Import,
    LineBytes,
    LineTime,
    MemoryUse,
    Rise,
)
from perfkit.model.plan import NotPlanned, Plan
from perfkit.model.sqllog import SqlLog

Origin = Literal["app", "library", "stdlib", "native"]
SampleKind = Literal["wall", "gil"]
# A test is what lies between two moments of its process, requests of its own client among them.
RequestKind = Literal["wsgi", "asgi", "task", "test"]
# sql: a statement until its first row is there; fetch: rows made into Python objects; transaction: commit or rollback;
# connect: a connection opened; pool: waiting for one; block: the event loop held up; gc: a collection; compile and render:
# a template; regex: a pattern compiled; json: a response encoded; import: a module loaded inside a request; http: a request to
# another service; call: no time, but how often a function of the project was called, counted for a gate alone.
SpanKind = Literal[
    "sql",
    "fetch",
    "transaction",
    "connect",
    "pool",
    "block",
    "gc",
    "compile",
    "render",
    "regex",
    "json",
    "import",
    "http",
    "call",
]
NO_ROUTE = "(no route)"
Engine = str  # py-spy, pyinstrument, cprofile, or one that another distribution brings


@dataclass(frozen=True, slots=True)
class Frame:
    """A function at a line. `function` is the qualified name where the interpreter gives one (3.11+)."""

    function: str
    file: str
    line: int
    origin: Origin


Stack = tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that samples passed through, and the distribution that installed it, where there is one."""

    path: str
    origin: Origin
    distribution: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of one function (or one run of module-level lines) as it was when it was measured."""

    file: str
    first_line: int
    text: str


@dataclass(frozen=True, slots=True)
class Process:
    """A Python process of the target. Times are seconds since the run began."""

    id: int
    pid: int
    parent_pid: int | None
    command: str
    python: str | None
    started: float
    ended: float | None = None
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a process. `tid` is the kernel's id where it is known."""

    id: int
    process: int
    tid: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of sampling of one process: `rounds` looks at all its threads, spread over `seconds` from `start`.

    `kind` wall counts every thread, gil only the one that holds the interpreter lock.
    """

    id: int
    process: int
    kind: SampleKind
    start: float
    seconds: float
    rate: float
    rounds: int
    errors: int = 0
    behind: int = 0


@dataclass(frozen=True, slots=True)
class ThreadUsage:
    """What the kernel accounted to one thread during one window: CPU seconds and seconds in the run queue."""

    window: int
    thread: int
    cpu: float
    runqueue: float


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading of one process. `cpu` and `runqueue` are seconds since the process began, `pss` None where unread."""

    at: float
    process: int
    cpu: float
    rss: int
    pss: int | None
    threads: int
    voluntary_switches: int
    involuntary_switches: int
    runqueue: float | None


@dataclass(frozen=True, slots=True)
class MachineUsage:
    """A reading of the machine. Busy, steal and throttled are seconds since the run began, summed over cores."""

    at: float
    load: float
    busy: float
    steal: float
    throttled: float | None
    throttled_periods: int | None
    periods: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """One request or task. `source` says who timed it: perfkit's own load, or the probe inside the target.

    `number` is unique within its process (probe only; spans refer to it). `cpu` is seconds of the one thread that served
    it, for an asynchronous one of its own steps on the loop. `size` is bytes of the response's body. Status 0: no answer.
    """

    endpoint: str
    start: float
    seconds: float
    status: int
    source: Literal["load", "probe"] = "load"
    process: int | None = None
    number: int | None = None
    kind: RequestKind | None = None
    cpu: float | None = None
    size: int | None = None

    @property
    def route(self) -> str | None:
        """The endpoint, None where no framework told it: a plain WSGI application, a path that fits no route."""
        return None if not self.endpoint or self.endpoint.endswith(NO_ROUTE) else self.endpoint


@dataclass(frozen=True, slots=True)
class SpanName:
    """What spans are about: a statement without its literals, a template, a module, an address.

    `system` is the database (postgresql, mysql, sqlite) of a statement, else empty.
    """

    id: int
    text: str
    system: str


class Span(NamedTuple):
    """A timed stretch inside the target. `request` is its number in `process`, 0 outside of any; `stack` the call site.

    `count` is rows, bytes or requests, by kind; `key` tells equal parameters (or connections) from others; both None
    where unknown.
    """

    process: int
    request: int
    kind: SpanKind
    name: int
    stack: int
    start: float
    seconds: float
    count: int | None = None  # type: ignore[assignment]  # a tuple's method of that name is not wanted
    key: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An edge of a deterministic profile: `caller` None is a root. Seconds include the profiler's own cost."""

    process: int
    caller: Frame | None
    callee: Frame
    calls: int
    primitive_calls: int
    self_seconds: float
    total_seconds: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be measured: what, why, and what would make it measurable."""

    what: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of a recording, of a log's too (mode sql: from its first event to its last). `started` is seconds since the epoch; other times are relative to it.

    `sealed` is False where the recording ended without perfkit's doing (killed, disk full).
    """

    perfkit_version: str
    mode: Literal["run", "attach", "sql"]
    engine: Engine
    command: str
    cwd: str
    project: tuple[str, ...]
    started: float
    duration: float
    rate: float
    cores: int
    platform: str
    ready_at: float | None = None
    warmup: float = 0.0
    exclude: tuple[str, ...] = ()
    workload: str | None = None
    exit_code: int | None = None
    stopped_by: str | None = None
    sampler_cpu: float = 0.0
    commit: str | None = None
    memory_limit: int | None = None
    sealed: bool = False


class StackTable:
    """Interned stacks: a tree of parent pointers over interned frames. Stack 0 is the empty stack.

    `parents[i]` is the stack below the leaf `frames[leaves[i]]`; parents always come before their children.
    """

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.parents = array("l", [0])
        self.leaves = array("l", [-1])
        self._frame_ids: dict[Frame, int] = {}
        self._children: dict[tuple[int, int], int] = {}
        self._expanded: dict[int, Stack] = {0: ()}

    def __len__(self) -> int:
        return len(self.parents)

    def frame_id(self, frame: Frame) -> int:
        found = self._frame_ids.get(frame)
        if found is None:
            found = self._frame_ids[frame] = len(self.frames)
            self.frames.append(frame)
        return found

    def push(self, parent: int, frame: Frame) -> int:
        """The stack that has `frame` on top of the stack `parent`."""
        key = (parent, self.frame_id(frame))
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = len(self.parents)
            self.parents.append(parent)
            self.leaves.append(key[1])
        return found

    def intern(self, stack: Stack) -> int:
        node = 0
        for frame in stack:
            node = self.push(node, frame)
        return node

    def expand(self, stack: int) -> Stack:
        """The frames of a stack, root first."""
        found = self._expanded.get(stack)
        if found is None:
            found = (*self.expand_parent(stack), self.frames[self.leaves[stack]])
            self._expanded[stack] = found
        return found

    def expand_parent(self, stack: int) -> Stack:
        chain: list[int] = []
        node = self.parents[stack]
        while node not in self._expanded:
            chain.append(node)
            node = self.parents[node]
        for child in reversed(chain):
            self._expanded[child] = (*self._expanded[self.parents[child]], self.frames[self.leaves[child]])
        return self._expanded[self.parents[stack]]


@dataclass(frozen=True, slots=True)
class Sample:
    """`n` looks found `thread` at `stack` during `window`; they stand for `seconds` of its time."""

    window: int
    thread: int
    stack: int
    n: int
    seconds: float


class Samples:
    """Samples as columns, so that a million of them stay small."""

    def __init__(self) -> None:
        self.window = array("L")
        self.thread = array("L")
        self.stack = array("L")
        self.n = array("L")
        self.seconds = array("d")

    def __len__(self) -> int:
        return len(self.window)

    def __iter__(self) -> Iterator[Sample]:
        for row in zip(self.window, self.thread, self.stack, self.n, self.seconds, strict=True):
            yield Sample(*row)

    def append(self, sample: Sample) -> None:
        self.window.append(sample.window)
        self.thread.append(sample.thread)
        self.stack.append(sample.stack)
        self.n.append(sample.n)
        self.seconds.append(sample.seconds)


class Spans:
    """Spans as columns, so that a million of them stay small. -1 stands for None in `count`, 0 in `key`."""

    def __init__(self) -> None:
        self.process = array("L")
        self.request = array("L")
        self.kind: list[SpanKind] = []
        self.name = array("L")
        self.stack = array("L")
        self.start = array("d")
        self.seconds = array("d")
        self.count = array("q")
        self.key = array("q")

    def __len__(self) -> int:
        return len(self.process)

    def __iter__(self) -> Iterator[Span]:
        where = zip(self.process, self.request, self.kind, self.name, self.stack, strict=True)
        what = zip(self.start, self.seconds, self.count, self.key, strict=True)
        for (process, request, kind, name, stack), (start, seconds, count, key) in zip(where, what, strict=True):
            yield Span(process, request, kind, name, stack, start, seconds, None if count < 0 else count, key or None)

    def append(self, span: Span) -> None:
        self.process.append(span.process)
        self.request.append(span.request)
        self.kind.append(span.kind)
        self.name.append(span.name)
        self.stack.append(span.stack)
        self.start.append(span.start)
        self.seconds.append(span.seconds)
        self.count.append(-1 if span.count is None else span.count)
        self.key.append(span.key or 0)


@dataclass(frozen=True)
class Recording:
    """All that was measured in one run. Tables that no collector could fill honestly are empty, with a Gap."""

    run: Run
    stacks: StackTable
    samples: Samples
    processes: tuple[Process, ...] = ()
    threads: tuple[Thread, ...] = ()
    windows: tuple[Window, ...] = ()
    thread_usage: tuple[ThreadUsage, ...] = ()
    usage: tuple[Usage, ...] = ()
    machine: tuple[MachineUsage, ...] = ()
    requests: tuple[Request, ...] = ()
    spans: Spans = field(default_factory=Spans)
    names: Mapping[int, SpanName] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    lines: tuple[LineTime, ...] = ()
    line_bytes: tuple[LineBytes, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    memory: tuple[MemoryUse, ...] = ()
    rises: tuple[Rise, ...] = ()
    containers: tuple[Container, ...] = ()
    heaps: tuple[Heap, ...] = ()
    garbage: tuple[Garbage, ...] = ()
    imports: tuple[Import, ...] = ()
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    sources: tuple[SourceText, ...] = ()
    gaps: tuple[Gap, ...] = ()
    log: SqlLog | None = None
    plans: tuple[Plan, ...] = ()
    not_planned: tuple[NotPlanned, ...] = ()
    path: str | None = None
