"""One CPU for both sides: each would stay on a CPU of its own for seconds, and one of those is slower."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from perfkit.shared import processes


class OneCpu:
    """The CPUs that perfkit may use; who asks both sides is on the others meanwhile."""

    def __init__(self) -> None:
        self._cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()

    def share(self, pids: Iterable[int]) -> None:
        """All threads there are of these processes and their children; those that they start inherit it."""
        if len(self._cpus) > 1:
            shared = max(self._cpus)
            for pid in pids:
                for one in (pid, *processes.descendants(pid)):
                    _pin(one, shared)
            os.sched_setaffinity(0, self._cpus - {shared})

    def leave(self) -> None:
        """What is started from here on may run where it likes again."""
        if self._cpus:
            os.sched_setaffinity(0, self._cpus)


def _pin(pid: int, cpu: int) -> None:
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), {cpu})
