"""What the engines inside the target share that tell bytes of lines: resident memory is read from outside meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable

from perfkit.collectors.inprocess import InProcessEngine
from perfkit.collectors.interface import Context, Followed
from perfkit.model.memory import LineBytes, MemoryUse

_EVERY = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryEngine(InProcessEngine):
    """Times nothing: what it finds stands in the list of memory."""

    def __init__(self, context: Context, follow: Followed) -> None:
        super().__init__(context, follow)
        self._next = 0.0
        self.processes: dict[int, int] = {}  # by their pids

    def poll(self) -> None:
        now = self.context.clock()
        if now < self._next:
            return
        self._next = now + _EVERY
        rows = [(process.id, _rss(process.pid)) for process in self.follow.alive]
        self.processes.update((process.pid, process.id) for process in self.follow.alive)
        self.context.sink.memory(MemoryUse(now, process, rss, None) for process, rss in rows if rss is not None)

    def keep(self, rows: Iterable[LineBytes]) -> None:
        """Write them, and remember where they are, so that their source is kept."""
        found = list(rows)
        self.context.sink.line_bytes(found)
        self.measured += len(found)
        for row in found:
            frame = self.frame(row.function, row.file, row.line)
            self.stack_seconds[self.context.sink.intern((frame,))] += row.peak


def _rss(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return None
