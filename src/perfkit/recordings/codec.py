"""Text as a column holds it: strings come in, values that SQLite takes go out, and back."""

from __future__ import annotations

import zlib

from perfkit.recordings.checks import DamagedError

_LONGEST_SOURCE = 64 * 2**20  # bytes of one function's text; more is a decompression bomb


def stored(text: str) -> str | bytes:
    """TEXT, or for text that is not Unicode (a path from the OS with a lone surrogate) a BLOB that keeps it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def restored(value: object) -> object:
    """The reverse of `stored`; other values pass."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise DamagedError("a text is not in its encoding") from error


def packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def unpacked(value: object) -> str:
    """The reverse of `packed`."""
    if not isinstance(value, bytes):
        raise DamagedError("a source text is not compressed")
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(value, _LONGEST_SOURCE)
        if not decompressor.eof:
            raise DamagedError("a source text is cut off")
        return data.decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError) as error:
        raise DamagedError("a source text cannot be decompressed") from error
