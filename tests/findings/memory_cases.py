"""Recordings of a server whose memory was followed: what it does over time, what it keeps, what takes much at once, its heap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.finding import Verdicts
from perfkit.model.memory import Container, Garbage, Heap, Import, LineBytes, MemoryUse, Rise
from perfkit.model.recording import Process, Recording, Request, Usage
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


Over = Callable[[float], float]
Look = Callable[[float], Mapping[str, Any]]


def heap(**changes: float | Over) -> Look:
    """A healthy one, with changes: numbers, or what they are at a second."""
    healthy: dict[str, float | Over] = {
        "threads": 1,
        "anonymous": 80 * MB,
        "blocks": 150_000,
        "live": 14 * MB,
        "arenas": 16 * MB,
        "used": 40 * MB,
        "free": 1 * MB,
        "mapped": 0,
        "collections": lambda at: 10 * at,
        "full": lambda at: at / 20,
        "collected": lambda at: 8_000 * at,
        "gc_seconds": lambda at: 0.003 * at,
        "longest": 0.001,
    }

    def look(at: float) -> dict[str, Any]:
        found = {name: value(at) if callable(value) else value for name, value in {**healthy, **changes}.items()}
        return {name: value if name in ("gc_seconds", "longest") else int(value) for name, value in found.items()}

    return look


@dataclass(frozen=True)
class Found:
    """What each collection that was looked at found: one every other second, `times` in all."""

    collected: int
    freed: int
    types: str
    line: int = 0
    times: int = 20


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
    heap: Look | None = None
    garbage: Found | None = None
    # Lines that import, and the bytes that each process took there; of the parent where `preloaded`.
    imports: Sequence[tuple[str, int]] = ()
    preloaded: bool = False
    # Bytes of pages that it was given, and CPU seconds of the kernel and in all.
    given: Over | None = None
    worked: tuple[float, float] = (0.1, 0.8)
    lives: Callable[[int], tuple[float, float | None]] = lambda number: (0.0, None)


def recording(case: Case) -> Recording:
    base = recording_of("\n".join([case.sampled, f"{case.stack} 1", *(f"{text} 1" for text, _ in case.imports)]))
    parent = Process(99, 99, None, "gunicorn", "3.11.7", 0.0)
    processes = tuple(
        Process(n, 100 + n, 99, "gunicorn", "3.11.7", *case.lives(n)) for n in range(1, case.processes + 1)
    )
    memory, containers, rises, requests, heaps, garbage, usage = [], [], [], [], [], [], []
    stack, *chains = list(base.samples.stack)[-1 - len(case.imports) :]
    for process in processes:
        peaks = {round(at * 5): size for at, size in case.peaks}
        for tick in range(case.seconds * 5):
            rss = int(case.rss(tick / 5)) + peaks.get(tick, 0)
            memory.append(MemoryUse(tick / 5, process.id, rss, *_work(case, tick)))
            usage.append(Usage(tick / 5, process.id, case.worked[1] * tick / 5, rss, None, 2, 0, 0, None))
        for at, size in case.peaks:
            before = int(case.rss(at))
            rises.append(Rise(at, process.id, before, before + size, "MainThread", stack))
        containers += [look for kept in case.kept for look in kept.looks(process.id)]
        requests += _requests(case, process.id)
        if case.heap is not None:
            heaps += [Heap(at=float(at), process=process.id, **case.heap(at)) for at in range(case.seconds)]
        if case.garbage is not None:
            garbage += _garbage(case.garbage, process.id, stack)
    importing = [parent] if case.preloaded else processes
    run = replace(base.run, duration=float(case.seconds), memory_limit=LIMIT)
    return replace(
        base,
        run=run,
        processes=(parent, *processes),
        memory=tuple(memory),
        containers=tuple(containers),
        rises=tuple(rises),
        line_bytes=tuple(case.lines),
        requests=tuple(requests),
        heaps=tuple(heaps),
        garbage=tuple(garbage),
        usage=tuple(usage),
        imports=tuple(
            Import(2.0, process.id, chain, size, 0.5)
            for process in importing
            for chain, (_, size) in zip(chains, case.imports, strict=True)
        ),
    )


def _work(case: Case, tick: int) -> tuple[int | None, int | None, int | None, float | None]:
    """PSS and private bytes once a second, and what the kernel did."""
    rss = int(case.rss(tick / 5)) if tick % 5 == 0 else None
    given = None if case.given is None else int(case.given(tick / 5))
    return rss, rss, given, None if given is None else case.worked[0] * tick / 5


def _garbage(found: Found, process: int, stack: int) -> list[Garbage]:
    place = (f"{PROJECT}/shop.py", found.line) if found.line else ("", 0)
    return [
        Garbage(2.0 * n + 6, process, stack, 0, found.collected, found.freed, found.types, *place)
        for n in range(found.times)
    ]


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
