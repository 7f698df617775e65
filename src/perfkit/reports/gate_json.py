"""Reports room: a verdict as JSON, schema `perfkit.gate/1` (see `gate_schema`).

A verdict comes in; strict JSON goes out: keys in a stable order, unknown is null, no NaN, ASCII only, a final newline.
Files are relative to the verdict's root where they are inside it, else absolute.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from perfkit.model.finding import Place
from perfkit.model.gate import Breach, CountJudged, TimeJudged, Verdict
from perfkit.reports.gate_schema import SCHEMA_ID
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths

Object = dict[str, Any]


def render(verdict: Verdict, options: RenderOptions) -> str:
    """Fields only grow within a schema version."""
    return json.dumps(_strict(document(verdict)), indent=2, allow_nan=False) + "\n"


def document(verdict: Verdict) -> Object:
    """The verdict as values that JSON knows, but for numbers that are not finite."""
    # An empty root would hold every absolute file.
    paths = Paths((verdict.root,) if verdict.root else ())
    return {
        "schema": SCHEMA_ID,
        "verdict": verdict.answer,
        "baseline": verdict.baseline,
        "current": verdict.current,
        "breaches": [_breach(breach, paths) for breach in verdict.breaches],
        "undecided": [{"unit": one.unit, "metric": one.metric, "reason": one.reason} for one in verdict.undecided],
        "times": [_time(one) for one in verdict.times],
        "counts": [_count(one, paths) for one in verdict.counts],
        "units": list(verdict.units),
        "appeared": list(verdict.appeared),
        "vanished": list(verdict.vanished),
        "notes": list(verdict.notes),
        "accepted": [{"breach": _breach(one.breach, paths), "reason": one.reason} for one in verdict.accepted],
        "commit": verdict.commit,
    }


def _breach(breach: Breach, paths: Paths) -> Object:
    return {
        "unit": breach.unit,
        "metric": breach.metric,
        "title": breach.title,
        "budget": breach.budget,
        "baseline": breach.baseline,
        "current": breach.current,
        "key": breach.key,
        "why": breach.why,
        "where": _place(breach.where, paths),
        "since": breach.since,
    }


def _time(one: TimeJudged) -> Object:
    return {
        "unit": one.unit,
        "clock": one.clock,
        "status": one.status,
        "baseline": one.baseline,
        "current": one.current,
        "change": one.change,
        "low": one.low,
        "high": one.high,
        "sees": one.sees,
        "pairs": one.pairs,
    }


def _count(one: CountJudged, paths: Paths) -> Object:
    return {
        "unit": one.key.unit,
        "what": one.key.what,
        "name": one.key.name,
        "status": one.status,
        "baseline": one.baseline,
        "current": one.current,
        "spread": list(one.spread),
        "where": _place(one.where, paths),
    }


def _place(place: Place | None, paths: Paths) -> Object | None:
    if place is None:
        return None
    return {"file": paths.inside(place.file), "line": place.line, "function": place.function}


def _strict(value: Any) -> Any:
    """Numbers that JSON cannot write become null. Halves of a surrogate pair, which a name of bytes that are no UTF-8 holds,
    are spelled out: many readers refuse them."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return None if isinstance(value, float) and not isfinite(value) else value
