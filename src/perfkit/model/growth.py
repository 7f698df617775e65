"""What a recording says about memory, ready for rules and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perfkit.model.memory import Garbage, Import, LineBytes
from perfkit.model.recording import Origin


@dataclass(frozen=True, slots=True)
class Trend:
    """Bytes a second by which the least memory of each second grows, with a 95 % interval, over `seconds` without the start.
    `steady`: it goes on as it began, no plateau is near."""

    slope: float
    low: float
    high: float
    seconds: float
    steady: bool


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """One process. Bytes; `readings` are (second, resident bytes), thinned out. `trend` is None where it was followed for too
    short. `requests` ended in it while it was followed. `private` is
    what it shared with nobody at the end. `given` is the pages that it was given in `followed` seconds, and took
    `kernel` of its `cpu` seconds; 0 where that was not read. `needed`: bytes a second by which what is not free grows, where its
    heap was looked at."""

    process: int
    pid: int
    command: str
    first: int
    last: int
    peak: int
    peak_at: float
    peak_pss: int | None
    readings: tuple[tuple[float, int], ...]
    trend: Trend | None
    requests: int
    bytes_by_endpoint: Mapping[str, float]
    private: int | None = None
    given: int = 0
    given_by_endpoint: Mapping[str, float] = field(default_factory=dict)
    followed: float = 0.0
    kernel: float = 0.0
    cpu: float = 0.0
    needed: float | None = None


@dataclass(frozen=True, slots=True)
class Growing:
    """A container that grew, over all processes that have it: entries and bytes by which it did. `looks` of the process that was
    looked at most. `steady`: it grew at the end as at the beginning. `filled_by`: the endpoint
    whose requests fill it, where that can be told, each with `per_request` entries."""

    name: str
    kind: str
    file: str
    line: int
    processes: tuple[int, ...]
    length: int
    grown: int
    grown_bytes: int
    seconds: float
    looks: int
    steady: bool
    requests: int
    bound: int | None
    hits: int | None
    misses: int | None
    filled_by: str | None = None
    per_request: float = 0.0


@dataclass(frozen=True, slots=True)
class Jump:
    """Much memory taken at once. `stack` is what the process did when most of it was there, `looks` how often that was seen."""

    at: float
    process: int
    before: int
    peak: int
    stack: int
    looks: int

    @property
    def taken(self) -> int:
        return self.peak - self.before


@dataclass(frozen=True, slots=True)
class HeapGrowth:
    """Bytes a second, as the median of all slopes: of resident memory that no file stands behind, and of its parts. `blocks` is small
    objects a second, the lower end of a 95 % interval. `needed` is what is not free, at its least of every few seconds; None where
    it was looked at for too short."""

    anonymous: float
    small: float
    loose: float
    used: float
    kept: float
    blocks: float
    needed: float | None = None


@dataclass(frozen=True, slots=True)
class HeapUse:
    """What a process's heap was like after its warm-up, by `looks` over `seconds`. None where nothing told it.

    `anonymous`, `blocks`, the `small` objects' bytes and their `arenas` are those of the look in the last half that found the fewest
    objects. `loose` bytes of arenas, and `kept` bytes of malloc's, held nothing at any look of the last half. Collections took `gc_share` of the time and found `collected` objects a second;
    at `pauses` looks one had taken 50 ms or more.
    """

    process: int
    pid: int
    looks: int
    seconds: float
    threads: int
    anonymous: int
    blocks: int
    small: int | None
    arenas: int | None
    loose: int | None
    kept: int | None
    growth: HeapGrowth | None
    gc_share: float
    collected: float
    full: int
    pauses: int
    longest: float


@dataclass(frozen=True, slots=True)
class LineGrowth:
    """What was allocated at a line and stands after `seconds` that did not before, over all processes, of which `requests` ended
    meanwhile. `stack` is the one that it grew by most; `function` is empty where the source does not tell."""

    function: str
    file: str
    line: int
    origin: Origin
    blocks: int
    bytes: int
    seconds: float
    requests: int
    stack: int

    @property
    def per_request(self) -> float | None:
        return self.bytes / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Memory:
    """`limit` is the bytes that all processes together may take: the machine's, or a control group's. `garbage` is of the measured
    part, `imports` of the whole run; `early` jumps came before the measured part. `requests` ended in the stretch that begins at a
    second: as long a time as `total`."""

    processes: tuple[ProcessMemory, ...]
    growing: tuple[Growing, ...]
    jumps: tuple[Jump, ...]
    limit: int | None
    total: tuple[tuple[float, int], ...]
    heaps: tuple[HeapUse, ...] = ()
    garbage: tuple[Garbage, ...] = ()
    imports: tuple[Import, ...] = ()
    lines: tuple[LineBytes, ...] = ()
    allocated: tuple[LineGrowth, ...] = ()
    early: tuple[Jump, ...] = ()
    requests: tuple[tuple[float, int], ...] = ()
