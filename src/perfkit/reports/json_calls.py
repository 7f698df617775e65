"""Reports room: counted calls as values that JSON knows: a part of the JSON report."""

from __future__ import annotations

from typing import Any

from perfkit.model.counted import Counted, Neighbour
from perfkit.reports.relative import Paths

Object = dict[str, Any]


def calls_document(counted: Counted, paths: Paths) -> Object:
    frame = counted.function
    return {
        "function": frame.function,
        "file": paths.inside(frame.file),
        "first_line": frame.line,
        "calls": counted.calls,
        "recursive": counted.recursive,
        "seconds": counted.seconds,
        "requests": counted.requests,
        "per_request": counted.per_request,
        "callers": [_neighbour(one, paths) for one in counted.callers],
        "callees": [_neighbour(one, paths) for one in counted.callees],
    }


def _neighbour(neighbour: Neighbour, paths: Paths) -> Object:
    frame = neighbour.frame
    return {
        "function": None if frame is None else frame.function,
        "file": None if frame is None else paths.inside(frame.file),
        "first_line": None if frame is None else frame.line,
        "calls": neighbour.calls,
    }
