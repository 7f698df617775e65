"""Room 2: a running target comes in, measurements go out to a sink, as they are made.

- `follow` finds the target's Python processes; `pyspy` samples them (the default engine); `system` reads the kernel's
  accounting; `inprocess` carries pyinstrument, cProfile and line_profiler into a launched target; `sources` keeps the hot functions' text.
- `ENGINES` are the collectors among which `--engine` chooses: one ranks at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.shared.registry import Registry

if TYPE_CHECKING:
    from perfkit.collectors.interface import Engine

__all__ = ["ENGINES"]

ENGINES: Registry[type[Engine]] = Registry(
    "engine",
    "perfkit.engines",
    {
        "py-spy": "perfkit.collectors.pyspy:PySpySampler",
        "pyinstrument": "perfkit.collectors.pyinstrument:PyinstrumentEngine",
        "cprofile": "perfkit.collectors.cprofile:CprofileEngine",
        "line-profiler": "perfkit.collectors.line_profiler_engine:LineProfilerEngine",
        "memory-profiler": "perfkit.collectors.memory_profiler_engine:MemoryProfilerEngine",
        "memray": "perfkit.collectors.memray_engine:MemrayEngine",
        "tachyon": "perfkit.collectors.tachyon:TachyonEngine",
    },
)
