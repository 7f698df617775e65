"""Reports room: what is known of memory as short phrases that several formats share, unescaped."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.analysis import Analysis
from perfkit.model.finding import MemoryFinding
from perfkit.model.growth import Memory, ProcessMemory
from perfkit.shared import units

_HOUR, _DAY = 3600.0, 86_400.0
_NOTHING = 5_000.0  # bytes a second


def price(finding: MemoryFinding) -> str:
    """`10 kB/req · 3 hours to the limit`, or the bytes of what is given back."""
    return " · ".join(filter(None, (size(finding), until(finding))))


def size(finding: MemoryFinding) -> str:
    return units.size(finding.bytes) if finding.per_request is None else f"{units.size(finding.per_request)}/req"


def until(finding: MemoryFinding) -> str:
    """`3 hours to the limit`, or nothing."""
    return "" if finding.to_limit is None else f"{span(finding.to_limit)} to the limit"


def span(seconds: float) -> str:
    """`40 minutes`, `3 hours`, `12 days`, `over a year`: how long something lasts, no finer than it is known."""
    if seconds < 2 * _HOUR:
        return units.plural(max(1, round(seconds / 60)), "minute")
    if seconds < 2 * _DAY:
        return units.plural(round(seconds / _HOUR), "hour")
    return units.plural(round(seconds / _DAY), "day") if seconds < 365 * _DAY else "over a year"


def facts(analysis: Analysis) -> list[str]:
    """What was followed, in a line; empty where memory was not."""
    memory = analysis.memory
    if memory is None:
        return []
    most = max((used for _, used in memory.total), default=0)
    many = len(memory.processes)
    said = [f"{units.size(most)} at most in {units.plural(many, 'process')}"]
    said.append(_growth(analysis, memory))
    if memory.limit:
        said.append(f"limit {units.size(memory.limit)}")
    return said


def _growth(analysis: Analysis, memory: Memory) -> str:
    trends = [process.trend for process in memory.processes if process.trend is not None]
    if not trends:
        return "measured for too short to tell growth (30 s do)"
    slope = sum(trend.slope for trend in trends)
    if sum(trend.low for trend in trends) < _NOTHING:
        return "no growth"
    steady = any(trend.steady and trend.low > 0 for trend in trends)
    return f"grows by {units.size(slope)} a second" + ("" if steady else ", ever slower")


def rows(processes: Sequence[ProcessMemory]) -> list[tuple[str, ...]]:
    """pid, command, first, last, peak, PSS, growth a second: texts for a table."""
    return [
        (
            str(process.pid),
            process.command,
            units.size(process.first),
            units.size(process.last),
            units.size(process.peak),
            units.size(process.peak_pss) if process.peak_pss is not None else "",
            "" if process.trend is None else f"{units.size(max(0.0, process.trend.slope))}/s",
        )
        for process in processes
    ]
