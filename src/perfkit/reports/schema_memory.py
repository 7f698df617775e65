"""Reports room: the part of the JSON Schema that describes memory."""

from __future__ import annotations

from perfkit.reports.schema_parts import (
    BOOLEAN,
    COUNT,
    COUNT_OR_NULL,
    NUMBER,
    NUMBER_OR_NULL,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    list_of,
    object_of,
    or_null,
    ref,
)

_SEVERITY: Schema = {"enum": ["high", "medium", "low", "info"]}
_LEVEL: Schema = {"enum": ["certain", "high", "medium", "low"]}


def memory() -> Schema:
    growth = object_of(per_second=NUMBER, low=NUMBER, high=NUMBER, steady=BOOLEAN)
    return object_of(
        findings=list_of(_finding()),
        silenced=list_of(object_of(finding=_finding(), reason=TEXT, expires=TEXT_OR_NULL)),
        limit=COUNT_OR_NULL,
        total=list_of(object_of(at=NUMBER, bytes=COUNT)),
        requests=list_of(object_of(at=NUMBER, ended=COUNT)),
        processes=list_of(
            object_of(
                pid=COUNT,
                command=TEXT,
                first=COUNT,
                last=COUNT,
                peak=COUNT,
                peak_at=SECONDS,
                peak_pss=COUNT_OR_NULL,
                growth=or_null(growth),
                per_request={"type": "object", "additionalProperties": NUMBER},
            )
        ),
        containers=list_of(
            object_of(
                name=TEXT,
                kind=TEXT,
                file=TEXT,
                line=COUNT,
                length=COUNT,
                grown=COUNT,
                grown_bytes=COUNT,
                steady=BOOLEAN,
                bound=COUNT_OR_NULL,
                hits=COUNT_OR_NULL,
                misses=COUNT_OR_NULL,
            )
        ),
        jumps=list_of(
            object_of(
                at=SECONDS,
                before=COUNT,
                peak=COUNT,
                stack=list_of(object_of(function=TEXT, file=TEXT, line=COUNT)),
            )
        ),
        allocations=list_of(
            object_of(
                function=TEXT,
                file=TEXT,
                line=COUNT,
                blocks={"type": "integer"},
                bytes=COUNT,
                seconds=SECONDS,
                requests=COUNT,
                per_request=NUMBER_OR_NULL,
                stack=list_of(object_of(function=TEXT, file=TEXT, line=COUNT)),
            )
        ),
        lines=list_of(
            object_of(
                function=TEXT,
                file=TEXT,
                line=COUNT,
                hits=COUNT,
                bytes=COUNT,
                peak=COUNT,
                stack=list_of(object_of(function=TEXT, file=TEXT, line=COUNT)),
            )
        ),
    )


def _finding() -> Schema:
    evidence = object_of(claim=TEXT, value={"type": ["number", "string"]}, unit=TEXT, n=COUNT_OR_NULL)
    return object_of(
        key=TEXT,
        rule=TEXT,
        rank={"type": "integer", "minimum": 1},
        title=TEXT,
        severity=_SEVERITY,
        confidence=object_of(level=_LEVEL, why=TEXT),
        bytes=COUNT,
        per_request=NUMBER_OR_NULL,
        to_limit=NUMBER_OR_NULL,
        endpoint=TEXT_OR_NULL,
        where=or_null(ref("place")),
        evidence=list_of(evidence),
        advice=TEXT,
    )
