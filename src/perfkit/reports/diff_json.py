"""Reports room: what changed between two recordings, as JSON (`perfkit.diff/1`). Seconds are a request's, or the whole run's."""

from __future__ import annotations

import json
from typing import Any

from perfkit.model.analysis import EndpointTime
from perfkit.model.difference import Difference
from perfkit.model.finding import Finding, Place
from perfkit.model.recording import Run
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths

SCHEMA = "perfkit.diff/1"


def render(difference: Difference, options: RenderOptions) -> str:
    paths = Paths((*difference.after.project, *difference.before.project))
    document = {
        "schema": SCHEMA,
        "before": _run(difference.before),
        "after": _run(difference.after),
        "endpoints": [_endpoint(*pair) for pair in difference.endpoints],
        "functions": [
            {
                "function": one.function,
                "file": one.file,
                "where": _place(one.where, paths),
                "before": one.baseline,
                "after": one.current,
                "error": one.error,
            }
            for one in difference.functions
        ],
        "within_noise": difference.within_noise,
        "statements": [
            {
                "endpoint": one.endpoint,
                "text": one.text,
                "before": one.baseline,
                "after": one.current,
                "where": _place(one.where, paths),
            }
            for one in difference.statements
        ],
        "new_findings": [_finding(one, paths) for one in difference.appeared],
        "findings_gone": [_finding(one, paths) for one in difference.gone],
        "notes": list(difference.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _run(run: Run) -> dict[str, Any]:
    return {"command": run.command, "started": run.started, "commit": run.commit, "duration": run.duration}


def _endpoint(before: EndpointTime | None, after: EndpointTime | None) -> dict[str, Any]:
    known = after or before
    sides = {
        name: None
        if one is None
        else {"requests": one.requests, "p50": one.p50, "p95": one.p95, "queries": one.queries_per_request}
        for name, one in (("before", before), ("after", after))
    }
    return {"endpoint": known.endpoint if known else None, "source": known.source if known else None, **sides}


def _place(place: Place | None, paths: Paths) -> dict[str, Any] | None:
    return None if place is None else {"file": paths.short(place.file), "line": place.line, "function": place.function}


def _finding(one: Finding, paths: Paths) -> dict[str, Any]:
    return {
        "key": one.key,
        "rule": one.rule,
        "title": one.title,
        "severity": one.severity,
        "endpoint": one.endpoint,
        "where": _place(one.where, paths),
    }
