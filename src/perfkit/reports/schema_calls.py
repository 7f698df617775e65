"""Reports room: the part of the JSON Schema that describes counted calls."""

from __future__ import annotations

from perfkit.reports.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    NUMBER_OR_NULL,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    list_of,
    object_of,
)


def counted() -> Schema:
    """One function; seconds are for how long calls were counted."""
    neighbours = list_of(object_of(function=TEXT_OR_NULL, file=TEXT_OR_NULL, first_line=COUNT_OR_NULL, calls=COUNT))
    return object_of(
        function=TEXT,
        file=TEXT,
        first_line=COUNT,
        calls=COUNT,
        recursive=COUNT,
        seconds=SECONDS,
        requests=COUNT_OR_NULL,
        per_request=NUMBER_OR_NULL,
        callers=neighbours,
        callees=neighbours,
    )
