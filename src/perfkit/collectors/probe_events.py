"""The events that a probe leaves in the spool: bytes of one process's file come in, definitions and records come out.

Nothing is believed: a record that cannot be is an error, and a file is read up to its last whole record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, get_args

from perfkit.model.recording import RequestKind, SpanKind

SPAN_KINDS: tuple[SpanKind, ...] = get_args(SpanKind)
REQUEST_KINDS: tuple[RequestKind, ...] = get_args(RequestKind)
_SPAN = struct.Struct("<BIIIddqq")
_STATEMENT = struct.Struct("<bIIIddqqddq")
_REQUEST = struct.Struct("<BIIdddiq")
_LENGTH = struct.Struct("<I")
_LONGEST = 1 << 24
_NEVER = 1e10  # seconds; neither infinity nor NaN is below
_FETCH = SPAN_KINDS.index("fetch")


class GarbledError(Exception):
    """The bytes are not what a probe writes; nothing behind them can be read."""


class Definition(NamedTuple):
    """`kind` hello, stack, name, endpoint, container, look or gap, and its texts."""

    kind: str
    fields: tuple[str, ...]


class RequestEvent(NamedTuple):
    """Times are on the target's monotonic clock. `cpu` and `size` are None where unknown."""

    kind: RequestKind
    number: int
    endpoint: int
    start: float
    seconds: float
    cpu: float | None
    status: int
    size: int | None


class SpanEvent(NamedTuple):
    kind: SpanKind
    request: int
    name: int
    stack: int
    start: float
    seconds: float
    count: int | None  # type: ignore[assignment]  # a tuple's method of that name is not wanted
    key: int | None


Event = Definition | RequestEvent | SpanEvent


def events(data: bytes) -> Iterator[tuple[Event, int]]:
    """Each whole event, with the offset behind it. Raises GarbledError where the bytes cannot be events."""
    at = 0
    while at < len(data):
        kind = data[at : at + 1]
        if kind == b"S":
            end = at + 1 + _SPAN.size
            if end > len(data):
                return
            yield _span(*_SPAN.unpack_from(data, at + 1)), end
        elif kind == b"Q":
            end = at + 1 + _STATEMENT.size
            if end > len(data):
                return
            for span in _statement(*_STATEMENT.unpack_from(data, at + 1)):
                yield span, end
        elif kind == b"R":
            end = at + 1 + _REQUEST.size
            if end > len(data):
                return
            yield _request(*_REQUEST.unpack_from(data, at + 1)), end
        elif kind == b"D":
            body = at + 1 + _LENGTH.size
            if body > len(data):
                return
            (length,) = _LENGTH.unpack_from(data, at + 1)
            end = body + length
            if length > _LONGEST:
                raise GarbledError(f"a definition of {length} bytes")
            if end > len(data):
                return
            yield _definition(data[body:end]), end
        else:
            raise GarbledError(f"byte {kind!r} at {at}")
        at = end


def _span(
    kind: int, request: int, name: int, stack: int, start: float, seconds: float, count: int, key: int
) -> SpanEvent:
    if not (kind < len(SPAN_KINDS) and 0 <= start < _NEVER and 0 <= seconds < _NEVER):
        raise GarbledError("a span that no probe writes")
    return SpanEvent(SPAN_KINDS[kind], request, name, stack, start, seconds, None if count < 0 else count, key or None)


def _statement(
    kind: int,
    request: int,
    name: int,
    stack: int,
    start: float,
    seconds: float,
    count: int,
    key: int,
    begun: float,
    spent: float,
    fetched: int,
) -> Iterator[SpanEvent]:
    """Its execution, where it is not only further rows of one, and the rows fetched."""
    if kind >= 0:
        yield _span(kind, request, name, stack, start, seconds, count, key)
    if fetched > 0:
        yield _span(_FETCH, request, name, stack, begun or start + seconds, spent, fetched, 0)


def _request(
    kind: int, number: int, endpoint: int, start: float, seconds: float, cpu: float, status: int, size: int
) -> RequestEvent:
    _check(kind < len(REQUEST_KINDS) and _is_time(start) and _is_time(seconds), "a request")
    return RequestEvent(
        REQUEST_KINDS[kind],
        number,
        endpoint,
        start,
        seconds,
        cpu if _is_time(cpu) else None,
        status if 0 <= status < 1000 else 0,
        None if size < 0 else size,
    )


def _definition(body: bytes) -> Definition:
    fields = []
    at = 0
    while at < len(body):
        _check(at + _LENGTH.size <= len(body), "a definition")
        (length,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size + length
        _check(at <= len(body), "a definition")
        fields.append(body[at - length : at].decode("utf-8", "replace"))
    _check(bool(fields), "a definition")
    return Definition(fields[0], tuple(fields[1:]))


def _is_time(seconds: float) -> bool:
    return 0 <= seconds < _NEVER


def _check(plausible: bool, what: str) -> None:
    if not plausible:
        raise GarbledError(f"{what} that no probe writes")
