"""Reports room: a verdict as SARIF 2.1.0, for code scanning. A verdict comes in; one run of the tool goes out as JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from perfkit.model.gate import Breach, Undecided, Verdict
from perfkit.reports.gate_github import cut, in_repository
from perfkit.reports.gate_gitlab import ANYWHERE, fingerprint
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import visible

Object = dict[str, Any]

_TEXT = 2000  # characters
_SOURCE = "%SRCROOT%"
_MEANS = {
    "queries": "Statements that a request sends to the database",
    "rows": "Rows that a request fetches",
    "connections": "Connections that a request opens",
    "commits": "Commits that a request makes",
    "imports": "Modules that are imported",
    "cpu": "CPU time of a request",
    "wall": "Time of a request",
    "p50": "Median time of a request",
    "p95": "Time of a request, 95th percentile",
    "p99": "Time of a request, 99th percentile",
    "rss_peak": "Peak of resident memory",
}


def render(verdict: Verdict, options: RenderOptions) -> str:
    metrics = list(dict.fromkeys([b.metric for b in verdict.breaches] + [one.metric for one in verdict.undecided]))
    driver = {"name": "perfkit", "version": verdict.perfkit_version, "rules": [_rule(metric) for metric in metrics]}
    results = [_failed(breach, metrics, verdict.root) for breach in verdict.breaches]
    results += [_noted(one, metrics) for one in verdict.undecided]
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {_SOURCE: {"description": {"text": "The folder of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _id(metric: str) -> str:
    return f"perfkit-gate-{visible(metric)}"


def _rule(metric: str) -> Object:
    return {
        "id": _id(metric),
        "shortDescription": {"text": f"{_MEANS.get(metric, visible(metric))}: above its budget"},
        "defaultConfiguration": {"level": "error"},
    }


def _failed(breach: Breach, metrics: list[str], root: str) -> Object:
    said = [breach.title, breach.why, f"budget: {breach.metric} {breach.budget}"]
    result = _result(breach.metric, metrics, "error", [part for part in said if part])
    result["partialFingerprints"] = {"perfkitBreach/v1": fingerprint(breach)}
    file = in_repository(breach.where, root)
    if breach.where is not None and file is not None:
        result["locations"] = [_location(file, breach.where.line)]
    return result


def _location(file: str, line: int) -> Object:
    """Quoted, a colon starts no scheme and a name of any bytes is an address."""
    artifact = {"uri": quote(file, safe="/", errors="replace"), "uriBaseId": _SOURCE}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": max(1, line)}}}


def _noted(one: Undecided, metrics: list[str]) -> Object:
    return _result(one.metric, metrics, "note", [f"{one.unit} {one.metric} is undecided: {one.reason}"])


def _result(metric: str, metrics: list[str], level: str, said: list[str]) -> Object:
    text = "\n".join(cut(part, _TEXT) for part in said)
    return {
        "ruleId": _id(metric),
        "ruleIndex": metrics.index(metric),
        "level": level,
        "locations": [_location(ANYWHERE, 1)],
        # A word joiner keeps `[text](address)` from being the link that SARIF makes of it.
        "message": {"text": text.replace("](", "]\u2060(")},
    }
