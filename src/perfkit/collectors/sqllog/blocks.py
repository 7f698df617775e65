"""A stream becomes blocks that begin and end between records, in memory that does not grow with the stream."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from perfkit.collectors.sqllog.interface import Reader

BLOCK = 2 << 20
"""Bytes: blocks of 1 and 2 MB are read fastest, 8 MB takes a tenth longer."""
LONGEST = 32 << 20
"""Bytes of one record; of a longer one only the beginning is read."""
KEPT = 1 << 20
_OVERLAP = 1 << 12


class Blocks:
    """`cut_records` counts records that were too long, `broken` says whether the packed data ended too soon."""

    def __init__(self, stream: IO[bytes], reader: Reader, limit: int | None = None, first: bytes = b"") -> None:
        """`first` was read already; `limit` bytes are read at most, `first` not counted."""
        self.cut_records = 0
        self.broken = False
        self._stream = stream
        self._reader = reader
        self._left = limit
        self._rest = first

    def __iter__(self) -> Iterator[bytes]:
        while True:
            chunk = self._read(max(BLOCK, len(self._rest)))
            last = not chunk
            # What crashes and copytruncate leave in files.
            data = self._rest + (chunk.replace(b"\0", b"") if b"\0" in chunk else chunk)
            end = self._reader.cut(data, last) if data else 0
            if not end and len(data) > LONGEST and not last:
                yield data[:KEPT] + b"\n"
                self.cut_records += 1
                self._rest = self._next_record(data[-_OVERLAP:])
                continue
            self._rest = data[end:]
            if end:
                yield data[:end] if end < len(data) else data
            if last:
                return

    def _next_record(self, data: bytes) -> bytes:
        """Skips the rest of a record."""
        begin: Callable[[bytes], int] = getattr(self._reader, "begin", lambda block: block.find(b"\n") + 1 or -1)
        while (at := begin(data)) < 0:
            chunk = self._read(BLOCK)
            if not chunk:
                return b""
            data = data[-_OVERLAP:] + chunk.replace(b"\0", b"")
        return data[at:]

    def _read(self, size: int) -> bytes:
        if self._left is not None:
            size = min(size, self._left)
        chunk, broken = read_up_to(self._stream, size)
        self.broken = self.broken or broken
        if self._left is not None:
            self._left -= len(chunk)
        return chunk


def read_up_to(stream: IO[bytes], size: int) -> tuple[bytes, bool]:
    """As many bytes as there are, and whether packed data was broken behind them."""
    pieces: list[bytes] = []
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    try:
        while size > 0 and (piece := read(size)):
            pieces.append(piece)
            size -= len(piece)
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        return b"".join(pieces), True
    return b"".join(pieces), False
