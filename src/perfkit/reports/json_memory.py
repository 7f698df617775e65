"""Reports room: memory as values that JSON knows: a part of the JSON report."""

from __future__ import annotations

from typing import Any

from perfkit.model.finding import MemoryFinding
from perfkit.model.growth import Growing, Jump, LineGrowth, ProcessMemory
from perfkit.model.memory import LineBytes
from perfkit.model.recording import StackTable
from perfkit.model.report import Report
from perfkit.reports.json_queries import place_document
from perfkit.reports.relative import Paths

Object = dict[str, Any]


def memory_document(report: Report, paths: Paths) -> Object | None:
    """None where memory was not followed."""
    memory = report.analysis.memory
    if memory is None:
        return None
    return {
        "findings": [_finding(finding, paths) for finding in report.memory],
        "silenced": [
            {"finding": _finding(item.finding, paths), "reason": item.silence.reason, "expires": item.silence.expires}
            for item in report.silenced_memory
        ],
        "limit": memory.limit,
        "total": [{"at": at, "bytes": used} for at, used in memory.total],
        "requests": [{"at": at, "ended": ended} for at, ended in memory.requests],
        "processes": [_process(process) for process in memory.processes],
        "containers": [_container(found, paths) for found in memory.growing],
        "jumps": [_jump(jump, report.analysis.stacks, paths) for jump in memory.jumps],
        "allocations": [_allocation(one, report.analysis.stacks, paths) for one in memory.allocated],
        "lines": [_line(row, report.analysis.stacks, paths) for row in memory.lines if row.peak],
    }


def _finding(finding: MemoryFinding, paths: Paths) -> Object:
    return {
        "key": finding.key,
        "rule": finding.rule,
        "rank": finding.rank,
        "title": finding.title,
        "severity": finding.severity,
        "confidence": {"level": finding.confidence.level, "why": finding.confidence.why},
        "bytes": finding.bytes,
        "per_request": finding.per_request,
        "to_limit": finding.to_limit,
        "endpoint": finding.endpoint,
        "where": place_document(finding.where, paths),
        "evidence": [
            {"claim": item.claim, "value": item.value, "unit": item.unit, "n": item.n} for item in finding.evidence
        ],
        "advice": finding.advice.text,
    }


def _process(process: ProcessMemory) -> Object:
    trend = process.trend
    return {
        "pid": process.pid,
        "command": process.command,
        "first": process.first,
        "last": process.last,
        "peak": process.peak,
        "peak_at": process.peak_at,
        "peak_pss": process.peak_pss,
        "growth": None
        if trend is None
        else {"per_second": trend.slope, "low": trend.low, "high": trend.high, "steady": trend.steady},
        "per_request": dict(process.bytes_by_endpoint),
    }


def _container(found: Growing, paths: Paths) -> Object:
    return {
        "name": found.name,
        "kind": found.kind,
        "file": paths.inside(found.file),
        "line": found.line,
        "length": found.length,
        "grown": found.grown,
        "grown_bytes": found.grown_bytes,
        "steady": found.steady,
        "bound": found.bound,
        "hits": found.hits,
        "misses": found.misses,
    }


def _line(row: LineBytes, stacks: StackTable, paths: Paths) -> Object:
    return {
        "function": row.function,
        "file": paths.inside(row.file),
        "line": row.line,
        "hits": row.hits,
        "bytes": row.bytes,
        "peak": row.peak,
        "stack": _stack(row.stack, stacks, paths),
    }


def _allocation(grown: LineGrowth, stacks: StackTable, paths: Paths) -> Object:
    return {
        "function": grown.function,
        "file": paths.inside(grown.file),
        "line": grown.line,
        "blocks": grown.blocks,
        "bytes": grown.bytes,
        "seconds": grown.seconds,
        "requests": grown.requests,
        "per_request": grown.per_request,
        "stack": _stack(grown.stack, stacks, paths),
    }


def _jump(jump: Jump, stacks: StackTable, paths: Paths) -> Object:
    return {
        "at": jump.at,
        "before": jump.before,
        "peak": jump.peak,
        "stack": _stack(jump.stack, stacks, paths),
    }


def _stack(stack: int, stacks: StackTable, paths: Paths) -> list[Object]:
    return [
        {"function": frame.function, "file": paths.inside(frame.file), "line": frame.line}
        for frame in stacks.expand(stack)
    ]
