"""Reports room: the JSON Schema (draft 2020-12) of a verdict as JSON. Nothing comes in, the schema as a dict goes out."""

from __future__ import annotations

from typing import Final, get_args

from perfkit.model.gate import Counted
from perfkit.reports.schema_parts import (
    COUNT,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    list_of,
    object_of,
    or_null,
    ref,
)

SCHEMA_ID: Final = "perfkit.gate/1"
# Every field of this version is required; fields that it does not name are allowed, because fields only grow. Numbers are
# null where they are not finite: a change of nothing has no share.
SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": f"urn:{SCHEMA_ID.replace('/', ':')}",
    "title": "perfkit gate",
    **object_of(
        schema={"const": SCHEMA_ID},
        verdict={"enum": ["pass", "fail", "inconclusive"]},
        baseline=TEXT,
        current=TEXT,
        breaches=list_of(ref("breach")),
        undecided=list_of(object_of(unit=TEXT, metric=TEXT, reason=TEXT)),
        times=list_of(ref("time")),
        counts=list_of(ref("count")),
        units=list_of(TEXT),
        appeared=list_of(TEXT),
        vanished=list_of(TEXT),
        notes=list_of(TEXT),
        accepted=list_of(object_of(breach=ref("breach"), reason=TEXT)),
        commit=TEXT_OR_NULL,
    ),
    "$defs": {
        "place": object_of(file=TEXT, line={"type": "integer"}, function=TEXT),
        "breach": object_of(
            unit=TEXT,
            metric=TEXT,
            title=TEXT,
            budget=TEXT,
            baseline=NUMBER_OR_NULL,
            current=NUMBER_OR_NULL,
            key=TEXT,
            why=TEXT_OR_NULL,
            where=or_null(ref("place")),
            since=TEXT_OR_NULL,
        ),
        "time": object_of(
            unit=TEXT,
            clock={"enum": ["cpu", "wall"]},
            status={"enum": ["slower", "faster", "same", "unknown"]},
            baseline=NUMBER_OR_NULL,
            current=NUMBER_OR_NULL,
            change=NUMBER_OR_NULL,
            low=NUMBER_OR_NULL,
            high=NUMBER_OR_NULL,
            sees=NUMBER_OR_NULL,
            pairs=COUNT,
        ),
        "count": object_of(
            unit=TEXT,
            what={"enum": list(get_args(Counted))},
            name=TEXT,
            status={"enum": ["more", "less", "same", "flaky"]},
            baseline=NUMBER_OR_NULL,
            current=NUMBER_OR_NULL,
            spread=list_of(NUMBER_OR_NULL),
            where=or_null(ref("place")),
        ),
    },
}
