"""Reports room: frames that no function stands behind (routes, statements, waits) come in, what people read goes out.

The probe names what it timed by frames in files that do not exist: `<perfkit>` for requests, routes and spans under way,
`<sql>`, `<gc>`, `<pool>` and others for what a span stands for. None of these names is shown as if it were a file.
"""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.analysis import Analysis, FunctionTime
from perfkit.model.recording import Frame
from perfkit.reports.relative import Paths
from perfkit.shared.origin import PROBE, ROUTE, is_own_probe

_SPANS = {
    "<sql>": ("", "database"),
    "<fetch>": ("fetch rows: ", "database"),
    "<transaction>": ("", "database"),
    "<connect>": ("open a connection: ", "database"),
    "<pool>": ("wait for a connection: ", "waiting"),
    "<loop>": ("", "waiting"),
    "<awaited>": ("", "waiting"),
    "<gc>": ("", "native"),
    "<compile>": ("compile a template: ", "library"),
    "<render>": ("render a template: ", "library"),
    "<regex>": ("compile a pattern: ", "stdlib"),
    "<json>": ("encode a response: ", "library"),
    "<import>": ("import ", "stdlib"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """`file` is short, and empty where there is none; `origin` is a frame's, or route, database, waiting."""

    name: str
    file: str
    line: int
    origin: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


def shown(frame: Frame, paths: Paths) -> Shown | None:
    """None for the probe's marks around requests and spans, which say nothing that their neighbours do not."""
    if frame.file == PROBE:
        return Shown(frame.function.removeprefix(ROUTE), "", 0, "route") if is_route(frame) else None
    if frame.file in _SPANS:
        prefix, origin = _SPANS[frame.file]
        return Shown(prefix + frame.function, "", 0, origin)
    return Shown(frame.function, paths.short(frame.file), frame.line, frame.origin)


def is_route(frame: Frame) -> bool:
    return frame.file == PROBE and frame.function.startswith(ROUTE)


def begins(frame: Frame) -> bool:
    """Whether what lies below is the server's own way to the application, the same for all requests."""
    return is_route(frame) or (frame.file == PROBE and frame.function == "request")


def is_code(file: str) -> bool:
    """Whether functions of this file are functions that somebody wrote."""
    return file != PROBE and file not in _SPANS


def functions(analysis: Analysis) -> list[FunctionTime]:
    """Those of the analysis that are functions of the target, in its order."""
    return [found for found in analysis.functions if is_code(found.file) and not is_own_probe(found.file)]


def largest_span(analysis: Analysis) -> tuple[str, str, float] | None:
    """What spans own most of, beside code: its label, its origin as in `Shown`, its seconds."""
    spans = [function for function in analysis.functions if function.file in _SPANS]
    largest = max(spans, key=lambda function: function.self_seconds, default=None)
    if largest is None:
        return None
    prefix, origin = _SPANS[largest.file]
    return prefix + largest.function, origin, largest.self_seconds
