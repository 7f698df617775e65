"""Reports room: statements, a database's log and its plans, as values that JSON knows: parts of the JSON report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from perfkit.model.finding import Place
from perfkit.model.plan import IndexAdvice, Plan
from perfkit.model.sqllog import Histogram, SqlLog
from perfkit.reports.plans import tree
from perfkit.reports.queries import Query
from perfkit.reports.relative import Paths
from perfkit.shared import sqltext

Object = dict[str, Any]


def place_document(place: Place | None, paths: Paths) -> Object | None:
    if place is None:
        return None
    return {
        "file": paths.inside(place.file),
        "line": place.line,
        "function": place.function,
        "origin": place.origin,
    }


def query_document(query: Query, paths: Paths) -> Object:
    """What only the server knows is null, or empty, where its log was not read."""
    p50, p95, p99, largest = query.percentiles
    digest = query.digest
    return {
        "fingerprint": query.fingerprint,
        "id": query.id,
        "system": query.system,
        "count": query.count,
        "seconds": {
            "total": query.total,
            "mean": query.mean,
            "p50": p50,
            "p95": p95,
            "p99": p99,
            "max": largest,
            "fetch": query.fetch,
        },
        "share": query.share,
        "rows": {"sent": query.rows, "examined": digest.rows_examined if digest else None},
        "per_request": query.per_request,
        "endpoints": list(query.endpoints),
        "where": place_document(query.where, paths),
        "sample": query.sample,
        "n_plus_one": query.n_plus_one,
        "users": _counts(digest.users if digest else {}),
        "databases": _counts(digest.databases if digest else {}),
        "applications": _counts(digest.applications if digest else {}),
        "hosts": _counts(digest.hosts if digest else {}),
        "first": _moment(digest.first if digest else None),
        "last": _moment(digest.last if digest else None),
        "locked": digest.locked / 1e6 if digest and digest.locked is not None else None,
        "over_time": _histogram(digest.over_time) if digest else None,
    }


def log_document(log: SqlLog) -> Object:
    return {
        "files": [{"name": name, "bytes": size} for name, size in log.files],
        "format": ", ".join(log.formats),
        "system": log.system,
        "events": log.events,
        "seconds": log.micros / 1e6,
        "lines": log.lines,
        "unparsed": log.unparsed,
        "examples": list(log.examples),
        "filtered": log.filtered,
        "first": _moment(log.first),
        "last": _moment(log.last),
        "statements": len(log.digests),
        "errors": _counts(log.errors),
        "over_time": _histogram(log.over_time),
    }


def plan_document(plan: Plan) -> Object:
    return {
        "fingerprint": plan.fingerprint,
        "id": sqltext.fingerprint_id(plan.fingerprint),
        "system": plan.system,
        "version": plan.version,
        "analyzed": plan.analyzed,
        "parameters": plan.parameters,
        "source": plan.source,
        "cost": plan.root.cost,
        "seconds": plan.execution_seconds,
        "lines": [line.text() for line in tree(plan)],
        "raw": plan.raw,
        "advice": [_advice(advice) for advice in plan.advice],
        "remarks": list(plan.remarks),
    }


def _advice(advice: IndexAdvice) -> Object:
    return {
        "table": advice.table,
        "columns": list(advice.columns),
        "ddl": advice.ddl,
        "reason": advice.reason,
        "verified": advice.verified,
        "cost_before": advice.cost_before,
        "cost_after": advice.cost_after,
        "bytes": advice.bytes,
        "writes": advice.writes,
        "replaces": list(advice.replaces),
    }


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Largest first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _histogram(found: Histogram) -> Object:
    first, last = min(found.counts, default=0), max(found.counts, default=-1)
    return {
        "start": _moment(float(first * found.width)) if found.counts else None,
        "width": found.width,
        "counts": [found.counts.get(bucket, 0) for bucket in range(first, last + 1)],
        "seconds": [found.micros.get(bucket, 0) / 1e6 for bucket in range(first, last + 1)],
    }
