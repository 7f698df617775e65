"""Two living targets that take turns, one bare and one under a profiler: what comes over the machine hits both alike.

A ratio of two processes that run one after the other strays by 15 % on a shared machine; within half a second, by 4 %. Where
a process's objects lie depends on its hash seed: both have the same one, and each pair another.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

TARGET = str(Path(__file__).with_name("overhead_target.py"))
# A turn is as many requests as the bare target serves in this time.
TURN = 0.25


class Cost(NamedTuple):
    """Seconds per request. `own_wall` is wall time without the main thread's wait for a CPU that others had: what wall
    time is on a quiet machine, as long as one thread serves."""

    cpu: float
    own_wall: float
    wall: float


class Compared(NamedTuple):
    """One pair of processes: the medians over its turns of profiled to bare, and of the CPU seconds that a request cost more."""

    ratio: Cost
    more: float


class _Living:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def serve(self, requests: int) -> Cost:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(f"{requests}\n")
        stdin.flush()
        for line in stdout:
            # Some profilers write to the target's stdout too.
            if line.startswith("turn "):
                cpu, queued, wall = map(float, line.split()[1:])
                return Cost(cpu / requests, (wall - queued) / requests, wall / requests)
        raise EOFError


@contextmanager
def _living(kind: str, before: Sequence[str], seed: int) -> Iterator[_Living]:
    """A target that serves as many requests as a line of its input says; `before` are the words of what launches it."""
    process = subprocess.Popen(
        [*(before or [sys.executable]), TARGET, kind, "turns"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )
    try:
        yield _Living(process)
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.read()
        process.wait(120)


def compare(kind: str, before: Sequence[str], turns: int, warm_up: float, seed: int) -> Compared | None:
    """None where the profiled target answers nothing. `warm_up` seconds are left out: the start of both."""
    try:
        with ExitStack() as both:
            bare, profiled = (both.enter_context(_living(kind, words, seed)) for words in ((), before))
            profiled.serve(10)
            count = max(10, round(TURN / min(bare.serve(20).wall for _ in range(5))))
            begun = time.monotonic()
            while time.monotonic() < begun + warm_up:
                bare.serve(count)
                profiled.serve(count)
            measured = []
            for number in range(turns):
                first, second = (bare, profiled) if number % 2 else (profiled, bare)
                one, other = first.serve(count), second.serve(count)
                measured.append((other, one) if number % 2 else (one, other))
    except (EOFError, BrokenPipeError):
        return None
    ratios = [[with_it[part] / without[part] for with_it, without in measured] for part in range(3)]
    return Compared(Cost(*map(statistics.median, ratios)), statistics.median(w.cpu - o.cpu for w, o in measured))
