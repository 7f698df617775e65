"""What a recording says about memory, ready for rules and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
    short. `requests` ended in it while it was followed."""

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


@dataclass(frozen=True, slots=True)
class Growing:
    """A container that grew, over all processes that have it: entries and bytes by which it did. `looks` of the process that was
    looked at most. `steady`: it grew at the end as at the beginning."""

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
class Memory:
    """`limit` is the bytes that all processes together may take: the machine's, or a control group's."""

    processes: tuple[ProcessMemory, ...]
    growing: tuple[Growing, ...]
    jumps: tuple[Jump, ...]
    limit: int | None
    total: tuple[tuple[float, int], ...]
