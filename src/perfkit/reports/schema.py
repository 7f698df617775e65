"""Reports room: the JSON Schema (draft 2020-12) of the JSON report. Nothing comes in, the schema as a dict goes out."""

from __future__ import annotations

from perfkit.reports.schema_calls import counted
from perfkit.reports.schema_memory import memory
from perfkit.reports.schema_parts import (
    BASIS,
    BOOLEAN,
    COUNT,
    COUNT_OR_NULL,
    INTEGER_OR_NULL,
    NUMBER,
    NUMBER_OR_NULL,
    ORIGIN,
    SECONDS,
    SECONDS_OR_NULL,
    SHARE,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    list_of,
    object_of,
    or_null,
    ref,
)
from perfkit.reports.schema_queries import log, plan, query

SCHEMA_ID = "perfkit.report/1"


def json_schema() -> Schema:
    """Every field of this version is required; fields that it does not name are allowed, because fields only grow."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_ID.replace('/', ':')}",
        "title": "perfkit report",
        **object_of(
            schema={"const": SCHEMA_ID},
            perfkit_version=TEXT,
            headline=TEXT,
            run=_run(),
            findings=list_of(ref("finding")),
            silenced=list_of(object_of(finding=ref("finding"), reason=TEXT, expires=TEXT_OR_NULL)),
            memory=or_null(memory()),
            endpoints=list_of(_endpoint()),
            log=or_null(log()),
            queries=list_of(query()),
            plans=list_of(plan()),
            lines=list_of(_zoomed()),
            calls=list_of(counted()),
            functions=list_of(_function()),
            checks=list_of(object_of(rule=TEXT, status={"enum": ["found", "clean", "not_run"]}, reason=TEXT_OR_NULL)),
            gaps=list_of(object_of(what=TEXT, why=TEXT, remedy=TEXT)),
            accounting=object_of(unit=_unit(), measured=SECONDS, explained=SECONDS, unexplained=NUMBER),
        ),
        "$defs": {"finding": _finding(), "place": _place()},
    }


def _zoomed() -> Schema:
    lines = list_of(object_of(line=COUNT, samples=COUNT, hits=COUNT, seconds=SECONDS, bytes=COUNT_OR_NULL))
    return object_of(function=TEXT, file=TEXT, first_line=COUNT, calls=COUNT, seconds=SECONDS, lines=lines)


def _unit() -> Schema:
    return {"enum": ["request-seconds", "wall seconds", "database seconds"]}


def _run() -> Schema:
    return object_of(
        command=TEXT,
        mode={"enum": ["run", "attach", "sql"]},
        engine=TEXT,
        started={"type": "string", "format": "date-time"},
        duration=SECONDS,
        rate=SECONDS,
        cwd=TEXT,
        project=list_of(TEXT),
        platform=TEXT,
        cores=COUNT,
        exit_code=INTEGER_OR_NULL,
        stopped_by=TEXT_OR_NULL,
        ready_at=SECONDS_OR_NULL,
        warmup=SECONDS,
        exclude=list_of(TEXT),
        workload=TEXT_OR_NULL,
        commit=TEXT_OR_NULL,
        sealed=BOOLEAN,
        processes=list_of(_process()),
        requests=COUNT_OR_NULL,
        failed_requests=COUNT,
        latency=or_null(object_of(p50=SECONDS, p95=SECONDS, p99=SECONDS)),
        overhead=NUMBER_OR_NULL,
        kind={"enum": ["server", "script", "log"]},
        unit=_unit(),
        pressure=or_null(_pressure()),
        notes=list_of(TEXT),
    )


def _process() -> Schema:
    return object_of(
        pid=COUNT,
        command=TEXT,
        python=TEXT_OR_NULL,
        cpu=SECONDS,
        peak_rss=COUNT,
        peak_pss=COUNT_OR_NULL,
        samples=COUNT,
        threads=COUNT,
    )


def _pressure() -> Schema:
    return object_of(
        load=NUMBER,
        cores=COUNT,
        busy=NUMBER,
        steal=NUMBER,
        throttled=NUMBER_OR_NULL,
        runqueue=NUMBER_OR_NULL,
    )


def _place() -> Schema:
    return object_of(file=TEXT, line=COUNT, function=TEXT, origin=ORIGIN)


def _finding() -> Schema:
    level: Schema = {"enum": ["certain", "high", "medium", "low"]}
    evidence = object_of(
        claim=TEXT,
        value={"type": ["number", "string", "null"]},
        unit=TEXT,
        n=COUNT_OR_NULL,
        where=or_null(ref("place")),
    )
    inside = object_of(file=TEXT, line=COUNT, function=TEXT, distribution=TEXT_OR_NULL, version=TEXT_OR_NULL)
    return object_of(
        key=TEXT,
        rule=TEXT,
        rank=COUNT,
        title=TEXT,
        severity={"enum": ["high", "medium", "low", "info"]},
        confidence=object_of(level=level, why=TEXT),
        cost=object_of(seconds=SECONDS, share=SHARE, per_request=SECONDS_OR_NULL, basis=BASIS, low=NUMBER, high=NUMBER),
        endpoint=TEXT_OR_NULL,
        where=or_null(ref("place")),
        inside=or_null(inside),
        evidence=list_of(evidence),
        advice=object_of(text=TEXT, diff=TEXT_OR_NULL),
        expected=or_null(object_of(seconds=NUMBER, low=NUMBER, high=NUMBER, basis=BASIS)),
    )


def _endpoint() -> Schema:
    return object_of(
        endpoint=TEXT,
        requests=COUNT_OR_NULL,
        p50=SECONDS_OR_NULL,
        p95=SECONDS_OR_NULL,
        p99=SECONDS_OR_NULL,
        share=SHARE,
        seconds=SECONDS,
        queries_per_request=SECONDS_OR_NULL,
        source={"enum": ["samples", "load", "probe", "test"]},
        failed=COUNT_OR_NULL,
    )


def _function() -> Schema:
    return object_of(
        function=TEXT,
        file=TEXT,
        line=COUNT,
        self=SECONDS,
        total=SECONDS,
        distribution=TEXT_OR_NULL,
        origin=TEXT,
    )
