"""Reports room: the whole report as JSON, schema `perfkit.report/1` (see `schema` and docs/reference/json.md).

A report comes in; strict JSON goes out: keys in a stable order, unknown is null, no NaN, ASCII only, a final newline.
Files are relative to the project where they are inside it, else absolute.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from perfkit.model.analysis import Analysis, EndpointTime, FunctionTime, ProcessTime
from perfkit.model.finding import Evidence, Expected, Finding, Inside, Silenced
from perfkit.model.recording import Run
from perfkit.model.report import Report
from perfkit.reports import labels, line_text
from perfkit.reports.interface import RenderOptions
from perfkit.reports.json_calls import calls_document
from perfkit.reports.json_memory import memory_document
from perfkit.reports.json_queries import log_document, place_document, plan_document, query_document
from perfkit.reports.queries import queries
from perfkit.reports.relative import Paths
from perfkit.reports.schema import SCHEMA_ID

Object = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """Fields only grow within a schema version."""
    return json.dumps(_strict(document(report, options)), indent=2, allow_nan=False) + "\n"


def document(report: Report, options: RenderOptions = RenderOptions()) -> Object:  # noqa: B008  (a frozen value)
    """The report as values that JSON knows."""
    analysis = report.analysis
    paths = Paths(analysis.run.project)
    return {
        "schema": SCHEMA_ID,
        "perfkit_version": analysis.run.perfkit_version,
        "headline": report.headline,
        "run": _run(analysis.run) | _measured(analysis, report.overhead),
        "findings": [_finding(finding, paths) for finding in report.findings],
        "silenced": [_silenced(item, paths) for item in report.silenced],
        "memory": memory_document(report, paths),
        "endpoints": [_endpoint(endpoint) for endpoint in analysis.endpoints],
        "log": log_document(analysis.log) if analysis.log is not None else None,
        "queries": [query_document(query, paths) for query in queries(analysis, options.sort)[: options.top]],
        "plans": [plan_document(plan) for plan in analysis.plans],
        "lines": _lines(analysis, paths),
        "calls": [calls_document(counted, paths) for counted in analysis.counted],
        "functions": [_function(function, paths) for function in labels.functions(analysis)],
        "checks": [{"rule": c.rule, "status": c.status, "reason": c.reason} for c in report.checks],
        "gaps": [{"what": g.what, "why": g.why, "remedy": g.remedy} for g in report.gaps],
        "accounting": {
            "unit": analysis.unit,
            "measured": report.accounting.measured,
            "explained": report.accounting.explained,
            "unexplained": report.accounting.unexplained,
        },
    }


def _strict(value: Any) -> Any:
    """Numbers that JSON cannot write become null: they are unknown."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _run(run: Run) -> Object:
    return {
        "command": run.command,
        "mode": run.mode,
        "engine": run.engine,
        "started": datetime.fromtimestamp(run.started, UTC).isoformat(timespec="milliseconds"),
        "duration": run.duration,
        "rate": run.rate,
        "cwd": run.cwd,
        "project": list(run.project),
        "platform": run.platform,
        "cores": run.cores,
        "exit_code": run.exit_code,
        "stopped_by": run.stopped_by,
        "ready_at": run.ready_at,
        "warmup": run.warmup,
        "exclude": list(run.exclude),
        "workload": run.workload,
        "commit": run.commit,
        "sealed": run.sealed,
    }


def _measured(analysis: Analysis, overhead: float | None) -> Object:
    latency, pressure = analysis.latency, analysis.pressure
    return {
        "processes": [_process(process) for process in analysis.process_times],
        "requests": analysis.requests,
        "failed_requests": analysis.failed_requests,
        "latency": dict(zip(("p50", "p95", "p99"), latency, strict=True)) if latency else None,
        "overhead": overhead,
        "kind": analysis.kind,
        "unit": analysis.unit,
        "pressure": {
            "load": pressure.load,
            "cores": pressure.cores,
            "busy": pressure.busy,
            "steal": pressure.steal,
            "throttled": pressure.throttled,
            "runqueue": pressure.runqueue,
        }
        if pressure
        else None,
        "notes": list(analysis.notes),
    }


def _process(process: ProcessTime) -> Object:
    return {
        "pid": process.pid,
        "command": process.command,
        "python": process.python,
        "cpu": process.cpu,
        "peak_rss": process.peak_rss,
        "peak_pss": process.peak_pss,
        "samples": process.samples,
        "threads": process.threads,
    }


def _finding(finding: Finding, paths: Paths) -> Object:
    cost = finding.cost
    return {
        "key": finding.key,
        "rule": finding.rule,
        "rank": finding.rank,
        "title": finding.title,
        "severity": finding.severity,
        "confidence": {"level": finding.confidence.level, "why": finding.confidence.why},
        "cost": {
            "seconds": cost.seconds,
            "share": cost.share,
            "per_request": cost.per_request,
            "basis": cost.basis,
            "low": cost.low,
            "high": cost.high,
        },
        "endpoint": finding.endpoint,
        "where": place_document(finding.where, paths),
        "inside": _inside(finding.inside, paths),
        "evidence": [_evidence(item, paths) for item in finding.evidence],
        "advice": {"text": finding.advice.text, "diff": finding.advice.diff},
        "expected": _expected(finding.expected),
    }


def _inside(inside: Inside | None, paths: Paths) -> Object | None:
    if inside is None:
        return None
    return {
        "file": paths.inside(inside.file),
        "line": inside.line,
        "function": inside.function,
        "distribution": inside.distribution,
        "version": inside.version,
    }


def _evidence(item: Evidence, paths: Paths) -> Object:
    return {
        "claim": item.claim,
        "value": item.value,
        "unit": item.unit,
        "n": item.n,
        "where": place_document(item.where, paths),
    }


def _expected(expected: Expected | None) -> Object | None:
    if expected is None:
        return None
    return {"seconds": expected.seconds, "low": expected.low, "high": expected.high, "basis": expected.basis}


def _silenced(item: Silenced, paths: Paths) -> Object:
    return {
        "finding": _finding(item.finding, paths),
        "reason": item.silence.reason,
        "expires": item.silence.expires,
    }


def _endpoint(endpoint: EndpointTime) -> Object:
    return {
        "endpoint": endpoint.endpoint,
        "requests": endpoint.requests,
        "p50": endpoint.p50,
        "p95": endpoint.p95,
        "p99": endpoint.p99,
        "share": min(1.0, endpoint.share),
        "seconds": endpoint.seconds,
        "queries_per_request": endpoint.queries_per_request,
        "source": endpoint.source,
        # Failures by endpoint are counted inside the target alone.
        "failed": endpoint.failed if endpoint.source in ("probe", "test") else None,
    }


def _lines(analysis: Analysis, paths: Paths) -> list[Object]:
    samples = line_text.samples_of_lines(analysis, {zoomed.file for zoomed in analysis.zoomed})
    sizes = line_text.bytes_of_lines(analysis.memory)
    return [
        {
            "function": zoomed.function,
            "file": paths.inside(zoomed.file),
            "first_line": zoomed.first_line,
            "calls": zoomed.calls,
            "seconds": zoomed.seconds,
            "lines": [
                {
                    "line": line.line,
                    "samples": samples.get((zoomed.file, line.line), 0),
                    "hits": line.hits,
                    "seconds": line.seconds,
                    "bytes": sizes.get((zoomed.file, line.line)),
                }
                for line in zoomed.lines
            ],
        }
        for zoomed in analysis.zoomed
    ]


def _function(function: FunctionTime, paths: Paths) -> Object:
    return {
        "function": function.function,
        "file": paths.inside(function.file),
        "line": function.line,
        "self": function.self_seconds,
        "total": function.total_seconds,
        "distribution": function.distribution,
        "origin": function.origin,
    }
