"""Reports room: what an occupant must do. A report and the reader's screen come in, text goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perfkit.model.report import Report


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """The reader's screen. Formats that are files ignore it; `unicode` False means ASCII only. `top` statements of a log, largest
    by `sort` (total, count, mean, p95, rows) first; None is what the format finds right."""

    color: bool = False
    width: int = 90
    unicode: bool = True
    top: int | None = None
    sort: str = "total"


class Format(Protocol):
    """A pure function: one report, one text. Raises PerfkitError where the report lacks what the format shows."""

    def __call__(self, report: Report, options: RenderOptions) -> str: ...
