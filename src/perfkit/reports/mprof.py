"""Reports room: memory over time as `mprof plot FILE` and `mprof peak FILE` (memory_profiler) read it.

A report comes in. Lines `MEM mebibytes epoch` of the first process go out, `CHLD pid mebibytes epoch` of the others, by
time. Readings are resident memory, thinned out; the peak of each process is among them.
"""

from __future__ import annotations

from perfkit.errors import PerfkitError
from perfkit.model.analysis import Analysis
from perfkit.model.growth import ProcessMemory
from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import visible

_MIB = 2**20


def render(report: Report, options: RenderOptions) -> str:
    """Raises PerfkitError where memory was not followed."""
    analysis = report.analysis
    memory = analysis.memory
    if memory is None or not memory.processes:
        raise PerfkitError(
            "mprof shows memory over time, and this recording has no readings.", "measure with perfkit run --memory"
        )
    first = _first(memory.processes, analysis)
    rows = [(at, process is not first, process.pid, used) for process in memory.processes for at, used in _all(process)]
    lines = [
        f"{f'CHLD {pid}' if child else 'MEM'} {used / _MIB:.6f} {analysis.run.started + at:.4f}"
        for at, child, pid, used in sorted(rows)
    ]
    return "\n".join([f"CMDLINE {visible(analysis.run.command)}", *lines]) + "\n"


def _first(processes: tuple[ProcessMemory, ...], analysis: Analysis) -> ProcessMemory:
    """The one that no other one started."""
    parents = {process.id: process.parent_pid for process in analysis.processes}
    pids = {process.pid for process in processes}
    return next((process for process in processes if parents.get(process.process) not in pids), processes[0])


def _all(process: ProcessMemory) -> list[tuple[float, int]]:
    return sorted({*process.readings, (process.peak_at, process.peak)})
