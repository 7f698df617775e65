"""CPU seconds of processes, those of their threads that have ended included."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping

_LINUX = sys.platform.startswith("linux")
_SCHED = 2  # CPUCLOCK_SCHED of linux/posix-timers.h: what the scheduler has counted, to the nanosecond


def of_each(pids: Iterable[int]) -> dict[int, float]:
    """By pid. Those that are gone are left out."""
    found = {}
    for pid in pids:
        seconds = of(pid)
        if seconds is not None:
            found[pid] = seconds
    return found


def between(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """What those that are there `after` used since `before`; who has come since counts whole."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def of(pid: int) -> float | None:
    if _LINUX:
        try:
            return time.clock_gettime((~pid << 3) | _SCHED)  # clock_getcpuclockid(3)
        except OSError:
            return None
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)
