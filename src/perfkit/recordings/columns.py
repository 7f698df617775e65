"""Samples and spans, of which there may be millions: a connection comes in, checked columns go out."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, get_args

from perfkit.model.recording import Samples, SpanKind, Spans
from perfkit.recordings.checks import DamagedError, check_references

_BATCH = 50_000
# One object per kind: SQLite makes a new string for each row.
_KINDS: Mapping[object, SpanKind] = {kind: kind for kind in get_args(SpanKind)}


def read_samples(connection: sqlite3.Connection, stack_ids: Mapping[int, int]) -> Samples:
    """`stack_ids` gives the table's id for each id of the file."""
    samples = Samples()
    columns = (samples.window, samples.thread, samples.stack, samples.n, samples.seconds)
    for batch in _batches(connection, "sample", "window, thread, stack, n, seconds"):
        _extend("sample", columns, batch)
    _check_seconds("sample.seconds", samples.seconds, 0)
    samples.stack = _renumbered(samples.stack, stack_ids)
    return samples


def read_spans(connection: sqlite3.Connection, stack_ids: Mapping[int, int]) -> Spans:
    """As `read_samples`. Their requests need not be there: one that had not ended was never written."""
    spans = Spans()
    whole = (spans.process, spans.request, spans.name, spans.stack)
    names = "kind, count, key, process, request, name, stack, start, seconds"
    for kinds, counts, keys, *numbers in _batches(connection, "span", names):
        spans.kind.extend(_kinds(kinds))
        _extend("span", (*whole, spans.start, spans.seconds), numbers)
        _extend("span", (spans.count, spans.key), (_counts(counts), [0 if key is None else key for key in keys]))
    _check_seconds("span.start", spans.start, -inf)
    _check_seconds("span.seconds", spans.seconds, 0)
    spans.stack = _renumbered(spans.stack, stack_ids)
    return spans


def _batches(connection: sqlite3.Connection, table: str, columns: str) -> Iterator[Sequence[Sequence[Any]]]:
    rows = connection.execute(f"SELECT {columns} FROM {table}")
    while batch := rows.fetchmany(_BATCH):
        yield tuple(zip(*batch, strict=True))


def _extend(table: str, columns: Sequence[array[Any]], batch: Sequence[Sequence[Any]]) -> None:
    try:
        for column, values in zip(columns, batch, strict=True):
            column.extend(values)
    except TypeError as error:
        raise DamagedError(f"{table} has a value of the wrong type") from error
    except OverflowError as error:
        raise DamagedError(f"{table} has a negative count") from error


def _kinds(values: Sequence[object]) -> Iterator[SpanKind]:
    try:
        yield from map(_KINDS.__getitem__, values)
    except KeyError as error:
        raise DamagedError("span.kind has an unknown value") from error


def _counts(values: Sequence[Any]) -> Sequence[Any]:
    """-1 for what is unknown, which no count that is there may be."""
    try:
        if min((value for value in values if value is not None), default=0) < 0:
            raise DamagedError("span.count is negative")
    except TypeError as error:
        raise DamagedError("span has a value of the wrong type") from error
    return [-1 if value is None else value for value in values]


def _check_seconds(what: str, seconds: Sequence[float], least: float) -> None:
    if not seconds:
        return
    low, high = min(seconds), max(seconds)
    if low < least or -inf in (low, high) or inf in (low, high):
        raise DamagedError(f"{what} is {'not finite' if least else 'negative or not finite'}")


def _renumbered(stacks: array[int], stack_ids: Mapping[int, int]) -> array[int]:
    check_references("stack", stacks, stack_ids)
    if all(number == kept for number, kept in stack_ids.items()):
        return stacks
    return array("L", map(stack_ids.__getitem__, stacks))
