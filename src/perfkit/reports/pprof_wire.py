"""Reports room: numbers and bytes come in, fields of the protocol-buffer wire format go out.

https://protobuf.dev/programming-guides/encoding/; a field that is 0 or empty is left out, as its default is the same.
"""

from __future__ import annotations

from collections.abc import Iterable

_VARINT, _LENGTH = 0, 2


def varint(value: int) -> bytes:
    """A negative number is the one of 64 bits with the same bits."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field: int, value: int) -> bytes:
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def message(field: int, *parts: bytes) -> bytes:
    """A message inside a message, present even where all its fields are at their defaults."""
    return block(field, b"".join(parts))


def numbers(field: int, values: Iterable[int]) -> bytes:
    """A packed repeated field."""
    packed = b"".join(varint(value) for value in values)
    return block(field, packed) if packed else b""


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | _LENGTH) + varint(len(content)) + content
