"""Reports room: what an occupant must do. A report and the reader's screen come in, text or bytes go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perfkit.model.difference import Difference
from perfkit.model.gate import Verdict
from perfkit.model.recording import Recording
from perfkit.model.report import Report


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """The reader's screen. Formats that are files ignore it; `unicode` False means ASCII only. `top` statements of a log, largest
    by `sort` (total, count, mean, p95, rows) first; None is what the format finds right. `recording` is what was measured, one by
    one, for the formats in `NEED_RECORDING`; None for the others, and where there is only a report."""

    color: bool = False
    width: int = 90
    unicode: bool = True
    top: int | None = None
    sort: str = "total"
    recording: Recording | None = None


class Format(Protocol):
    """A pure function: one report, one text; bytes where the format is binary. Raises PerfkitError where the report lacks
    what the format shows."""

    def __call__(self, report: Report, options: RenderOptions) -> str | bytes: ...


class GateFormat(Protocol):
    """The same for a verdict: text, which may be empty."""

    def __call__(self, verdict: Verdict, options: RenderOptions) -> str: ...


class DiffFormat(Protocol):
    """The same for what changed between two recordings."""

    def __call__(self, difference: Difference, options: RenderOptions) -> str: ...
