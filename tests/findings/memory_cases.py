"""Recordings of a server whose memory was followed: what it does over time, what it keeps, what takes much at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.finding import Verdicts
from perfkit.model.memory import Container, LineBytes, MemoryUse, Rise
from perfkit.model.recording import Process, Recording, Request
from recordings_from_text import PROJECT, recording_of

MB = 1 << 20
LIMIT = 2_000 * MB
SECONDS = 60
SAMPLED = "flask>; orders@shop.py:3 300"
PEAK = "flask>; report@shop.py:9; rows_of@lib/sqlalchemy/engine.py:5"


def flat(at: float) -> float:
    return 80 * MB


def leaking(at: float) -> float:
    """50 kB a second."""
    return 80 * MB + 50_000 * at


def warming(at: float) -> float:
    """A cache that fills in 20 seconds."""
    return 80 * MB + 2_000_000 * min(at, 20)


def noisy(at: float) -> float:
    """Up and down by 30 MB, without a direction."""
    return 80 * MB + 30 * MB * ((int(at * 5) * 7919) % 100) / 100


def plateau(at: float) -> float:
    """Ever slower: half of what is missing comes every eight seconds."""
    return 80 * MB + 40 * MB * (1 - 0.5 ** (at / 8))


@dataclass(frozen=True)
class Kept:
    """A container that has `length(second)` entries of `each` bytes, looked at every other second."""

    name: str
    length: Callable[[float], float]
    kind: str = "dict"
    each: int = 1000
    bound: int | None = None
    hits: int | None = None
    line: int = 4
    until: float = SECONDS

    def looks(self, process: int) -> list[Container]:
        found = []
        for at in range(3, int(self.until), 2):
            length = int(self.length(at))
            misses = None if self.hits is None else length
            place = (f"{PROJECT}/shop.py", self.line)
            sizes = (length, length * self.each)
            found.append(Container(at, process, self.name, self.kind, *place, *sizes, self.bound, self.hits, misses))
        return found


@dataclass(frozen=True)
class Case:
    name: str
    rule: str
    rss: Callable[[float], float] = flat
    kept: Sequence[Kept] = ()
    peaks: Sequence[tuple[float, int]] = ()
    lines: Sequence[LineBytes] = ()
    stack: str = PEAK
    sampled: str = SAMPLED
    seconds: int = SECONDS
    per_second: int = 20
    processes: int = 1
    where: tuple[str, int] | None = None
    endpoints: Sequence[str] = field(default=("GET /orders",))


def recording(case: Case) -> Recording:
    base = recording_of(f"{case.sampled}\n{case.stack} 1")
    processes = tuple(Process(n, 100 + n, None, "gunicorn", "3.11.7", 0.0) for n in range(1, case.processes + 1))
    memory, containers, rises, requests = [], [], [], []
    stack = base.samples.stack[-1]
    for process in processes:
        peaks = {round(at * 5): size for at, size in case.peaks}
        for tick in range(case.seconds * 5):
            rss = int(case.rss(tick / 5)) + peaks.get(tick, 0)
            memory.append(MemoryUse(tick / 5, process.id, rss, rss if tick % 5 == 0 else None))
        for at, size in case.peaks:
            before = int(case.rss(at))
            rises.append(Rise(at, process.id, before, before + size, "MainThread", stack))
        containers += [look for kept in case.kept for look in kept.looks(process.id)]
        requests += _requests(case, process.id)
    run = replace(base.run, duration=float(case.seconds), memory_limit=LIMIT)
    return replace(
        base,
        run=run,
        processes=processes,
        memory=tuple(memory),
        containers=tuple(containers),
        rises=tuple(rises),
        line_bytes=tuple(case.lines),
        requests=tuple(requests),
    )


def _requests(case: Case, process: int) -> list[Request]:
    """The endpoints take turns by seconds, so that each can be told from the others."""
    found = []
    for second in range(case.seconds):
        endpoint = case.endpoints[(second // 4) % len(case.endpoints)]
        for n in range(case.per_second):
            number = second * case.per_second + n + 1
            found.append(Request(endpoint, second + n / case.per_second, 0.002, 200, "probe", process, number, "wsgi"))
    return found


def judged(case: Case) -> Verdicts:
    return judge(analyse(recording(case)))
