"""The kernel's own accounting per thread: seconds on a CPU and seconds waiting for one (Linux, /proc/PID/task/*/schedstat)."""

from __future__ import annotations

import os

Reading = dict[int, tuple[float, float]]


def read_threads(pid: int) -> Reading:
    """tid → (cpu seconds, run-queue seconds) since each thread began. Empty where the kernel does not say."""
    reading: Reading = {}
    try:
        tids = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return reading
    for tid in tids:
        found = read_thread(pid, tid)
        if found is not None:
            reading[int(tid)] = found
    return reading


def read_thread(pid: int, tid: str) -> tuple[float, float] | None:
    try:
        with open(f"/proc/{pid}/task/{tid}/schedstat") as file:
            cpu, runqueue, _ = file.read().split()
    except (OSError, ValueError):
        return None
    return int(cpu) / 1e9, int(runqueue) / 1e9
