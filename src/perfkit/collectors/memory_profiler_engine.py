"""memory_profiler's line mode on every function of the project in a launched target: bytes that each line took, in its main thread."""

from __future__ import annotations

from typing import Any

from perfkit.collectors.inprocess import lent, written_cwd
from perfkit.collectors.memory_engine import MemoryEngine
from perfkit.model.memory import LineBytes


class MemoryProfilerEngine(MemoryEngine):
    """Resident memory before and after each line, without what the line called."""

    name = "memory-profiler"

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        return {"PERFKIT_ENGINE": "memory-profiler", "PERFKIT_SPOOL": spool, **lent("memory_profiler", "psutil")}

    def read(self, written: dict[str, Any]) -> None:
        if not written["functions"]:
            self.nothing_ran("bytes of lines by memory_profiler", "take --engine memray, which follows forks")
            return
        cwd = written_cwd(self.context)
        self.keep(
            LineBytes(
                1,
                0,
                str(one["function"]),
                self.context.local_path(str(one["file"]), cwd),
                int(one["line"]),
                int(line),
                int(hits),
                int(grown),
                int(most),
            )
            for one in written["functions"]
            for line, hits, grown, most in one["lines"]
        )
