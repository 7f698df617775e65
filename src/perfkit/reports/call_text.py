"""Reports room: functions whose calls were counted come in, the rows of a callers and callees view go out, unescaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfkit.model.counted import WINDOW, Counted, Neighbour
from perfkit.model.recording import Frame
from perfkit.reports import phrases
from perfkit.reports.relative import Paths
from perfkit.shared import units


@dataclass(frozen=True, slots=True)
class CallRow:
    """`per_request` is None where no requests were counted; `place` is empty for what is no code of Python's."""

    name: str
    place: str
    calls: int
    per_request: float | None
    share: float


def facts(counted: Counted) -> list[str]:
    """What was counted, in how much."""
    found = [units.plural(counted.calls, "call")]
    if counted.per_request is not None:
        found.append(f"{per_request(counted.per_request)} a request")
    if counted.recursive:
        found.append(f"{units.share(counted.recursive / counted.calls)} by itself")
    among = f"{units.plural(counted.requests, 'request')} in " if counted.requests else "counted for "
    return [*found, among + units.seconds(counted.seconds)]


def callers(counted: Counted, paths: Paths, most: int | None = None) -> list[CallRow]:
    """Shares are of the function's calls."""
    return _rows(counted.callers, counted, counted.calls, paths, most)


def callees(counted: Counted, paths: Paths, most: int | None = None) -> list[CallRow]:
    """Shares are of all calls that it made."""
    return _rows(counted.callees, counted, sum(one.calls for one in counted.callees), paths, most)


def per_request(value: float) -> str:
    """`200`, `98.6`, `1`, `0.49`, `0.0012`."""
    return units.count(value) if value >= 100 else f"{value:.3g}" if value >= 0.01 else f"{value:.2g}"


def _rows(
    neighbours: Sequence[Neighbour], counted: Counted, whole: int, paths: Paths, most: int | None
) -> list[CallRow]:
    rows = [
        CallRow(
            *_named(one.frame, paths),
            one.calls,
            one.calls / counted.requests if counted.requests else None,
            one.calls / whole if whole else 0.0,
        )
        for one in neighbours
    ]
    return rows if most is None else rows[:most]


def _named(frame: Frame | None, paths: Paths) -> tuple[str, str]:
    if frame is None:
        return "(nothing of Python)", ""
    if frame.file == WINDOW.file:  # it carries the name of a route
        return frame.function.partition(":")[2] or frame.function, ""
    name = phrases.call(frame.function.replace("<locals>.", ""))
    return name, f"{paths.short(frame.file)}:{frame.line}" if frame.line else ""
