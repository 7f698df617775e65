"""Reports room: the JSON Schema (draft 2020-12) of the JSON report. Nothing comes in, the schema as a dict goes out."""

from __future__ import annotations

from typing import Any

SCHEMA_ID = "perfkit.report/1"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "number"}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
SECONDS: Schema = {"type": "number", "minimum": 0}
SECONDS_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
BOOLEAN: Schema = {"type": "boolean"}
BASIS: Schema = {"enum": ["counted", "timed", "sampled", "modelled"]}
ORIGIN: Schema = {"enum": ["app", "library", "stdlib", "native"]}


def json_schema() -> Schema:
    """Every field of this version is required; fields that it does not name are allowed, because fields only grow."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_ID.replace('/', ':')}",
        "title": "perfkit report",
        **_object(
            schema={"const": SCHEMA_ID},
            perfkit_version=TEXT,
            headline=TEXT,
            run=_run(),
            findings=_list(_ref("finding")),
            silenced=_list(_object(finding=_ref("finding"), reason=TEXT, expires=TEXT_OR_NULL)),
            endpoints=_list(_endpoint()),
            queries=_list(_query()),
            functions=_list(_function()),
            checks=_list(_object(rule=TEXT, status={"enum": ["found", "clean", "not_run"]}, reason=TEXT_OR_NULL)),
            gaps=_list(_object(what=TEXT, why=TEXT, remedy=TEXT)),
            accounting=_object(unit=_unit(), measured=SECONDS, explained=SECONDS, unexplained=NUMBER),
        ),
        "$defs": {"finding": _finding(), "place": _place()},
    }


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _unit() -> Schema:
    return {"enum": ["request-seconds", "wall seconds"]}


def _run() -> Schema:
    return _object(
        command=TEXT,
        mode={"enum": ["run", "attach"]},
        engine=TEXT,
        started={"type": "string", "format": "date-time"},
        duration=SECONDS,
        rate=SECONDS,
        cwd=TEXT,
        project=_list(TEXT),
        platform=TEXT,
        cores=COUNT,
        exit_code=INTEGER_OR_NULL,
        stopped_by=TEXT_OR_NULL,
        ready_at=SECONDS_OR_NULL,
        warmup=SECONDS,
        exclude=_list(TEXT),
        workload=TEXT_OR_NULL,
        commit=TEXT_OR_NULL,
        sealed=BOOLEAN,
        processes=_list(_process()),
        requests=COUNT_OR_NULL,
        failed_requests=COUNT,
        latency=_or_null(_object(p50=SECONDS, p95=SECONDS, p99=SECONDS)),
        overhead=NUMBER_OR_NULL,
        kind={"enum": ["server", "script"]},
        unit=_unit(),
        pressure=_or_null(_pressure()),
        notes=_list(TEXT),
    )


def _process() -> Schema:
    return _object(
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
    return _object(
        load=NUMBER,
        cores=COUNT,
        busy=NUMBER,
        steal=NUMBER,
        throttled=NUMBER_OR_NULL,
        runqueue=NUMBER_OR_NULL,
    )


def _place() -> Schema:
    return _object(file=TEXT, line=COUNT, function=TEXT, origin=ORIGIN)


def _finding() -> Schema:
    level: Schema = {"enum": ["certain", "high", "medium", "low"]}
    evidence = _object(
        claim=TEXT,
        value={"type": ["number", "string", "null"]},
        unit=TEXT,
        n=COUNT_OR_NULL,
        where=_or_null(_ref("place")),
    )
    inside = _object(file=TEXT, line=COUNT, function=TEXT, distribution=TEXT_OR_NULL, version=TEXT_OR_NULL)
    return _object(
        key=TEXT,
        rule=TEXT,
        rank=COUNT,
        title=TEXT,
        severity={"enum": ["high", "medium", "low", "info"]},
        confidence=_object(level=level, why=TEXT),
        cost=_object(seconds=SECONDS, share=SHARE, per_request=SECONDS_OR_NULL, basis=BASIS, low=NUMBER, high=NUMBER),
        endpoint=TEXT_OR_NULL,
        where=_or_null(_ref("place")),
        inside=_or_null(inside),
        evidence=_list(evidence),
        advice=_object(text=TEXT, diff=TEXT_OR_NULL),
        expected=_or_null(_object(seconds=NUMBER, low=NUMBER, high=NUMBER, basis=BASIS)),
    )


def _endpoint() -> Schema:
    return _object(
        endpoint=TEXT,
        requests=COUNT_OR_NULL,
        p50=SECONDS_OR_NULL,
        p95=SECONDS_OR_NULL,
        p99=SECONDS_OR_NULL,
        share=SHARE,
        seconds=SECONDS,
        queries_per_request=SECONDS_OR_NULL,
        source={"enum": ["samples", "load", "probe"]},
        failed=COUNT_OR_NULL,
    )


def _query() -> Schema:
    seconds = ("total", "mean", "p50", "p95", "p99", "max", "fetch")
    return _object(
        fingerprint=TEXT,
        id=TEXT,
        system=TEXT,
        count=COUNT,
        seconds=_object(**dict.fromkeys(seconds, SECONDS)),
        share=SHARE,
        rows=_object(sent=COUNT_OR_NULL, examined=COUNT_OR_NULL),
        per_request=SECONDS_OR_NULL,
        endpoints=_list(TEXT),
        where=_or_null(_ref("place")),
        sample=TEXT,
        n_plus_one=COUNT_OR_NULL,
    )


def _function() -> Schema:
    return _object(
        function=TEXT,
        file=TEXT,
        line=COUNT,
        self=SECONDS,
        total=SECONDS,
        distribution=TEXT_OR_NULL,
        origin=TEXT,
    )
