"""Reports room: the JSON Schema of what a database says: statements, its log, its plans. Parts of the one in `schema`."""

from __future__ import annotations

from perfkit.reports.schema_parts import (
    BOOLEAN,
    COUNT,
    COUNT_OR_NULL,
    NUMBER_OR_NULL,
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


def query() -> Schema:
    seconds = ("total", "mean", "p50", "p95", "p99", "max", "fetch")
    return object_of(
        fingerprint=TEXT,
        id=TEXT,
        system=TEXT,
        count=COUNT,
        seconds=object_of(**dict.fromkeys(seconds, SECONDS)),
        share=SHARE,
        rows=object_of(sent=COUNT_OR_NULL, examined=COUNT_OR_NULL),
        per_request=SECONDS_OR_NULL,
        endpoints=list_of(TEXT),
        where=or_null(ref("place")),
        sample=TEXT,
        n_plus_one=COUNT_OR_NULL,
        users=_counts(),
        databases=_counts(),
        applications=_counts(),
        hosts=_counts(),
        first=TEXT_OR_NULL,
        last=TEXT_OR_NULL,
        locked=SECONDS_OR_NULL,
        over_time=or_null(_histogram()),
    )


def log() -> Schema:
    return object_of(
        files=list_of(object_of(name=TEXT, bytes=COUNT)),
        format=TEXT,
        system=TEXT,
        events=COUNT,
        seconds=SECONDS,
        lines=COUNT,
        unparsed=COUNT,
        examples=list_of(TEXT),
        filtered=COUNT,
        first=TEXT_OR_NULL,
        last=TEXT_OR_NULL,
        statements=COUNT,
        errors=_counts(),
        over_time=_histogram(),
    )


def _histogram() -> Schema:
    """Executions and seconds of each stretch of `width` seconds, from `start` on; stretches without any are 0."""
    return object_of(start=TEXT_OR_NULL, width=COUNT, counts=list_of(COUNT), seconds=list_of(SECONDS))


def _counts() -> Schema:
    return {"type": "object", "additionalProperties": COUNT}


def plan() -> Schema:
    advice = object_of(
        table=TEXT,
        columns=list_of(TEXT),
        ddl=TEXT,
        reason=TEXT,
        verified=TEXT_OR_NULL,
        cost_before=NUMBER_OR_NULL,
        cost_after=NUMBER_OR_NULL,
        bytes=COUNT_OR_NULL,
        writes=TEXT,
        replaces=list_of(TEXT),
    )
    return object_of(
        fingerprint=TEXT,
        id=TEXT,
        system=TEXT,
        version=TEXT,
        analyzed=BOOLEAN,
        parameters={"enum": ["given", "generic", "literal", "none"]},
        source={"enum": ["explain", "log", "file"]},
        cost=NUMBER_OR_NULL,
        seconds=NUMBER_OR_NULL,
        lines=list_of(TEXT),
        raw=TEXT,
        advice=list_of(advice),
        remarks=list_of(TEXT),
    )
