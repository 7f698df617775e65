"""The memory of another process: a pid comes in; its mappings and bytes go out (proc(5): maps, mem)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Mapping:
    """A stretch of addresses, `end` excluded. `path` is empty where no file stands behind it."""

    start: int
    end: int
    permissions: str
    offset: int
    path: str


def mappings(pid: int) -> list[Mapping]:
    """In the order of addresses. Raises OSError where the process is gone or may not be read."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields = line.rstrip("\n").split(maxsplit=5)
            start, _, end = fields[0].partition("-")
            path = fields[5] if len(fields) > 5 else ""
            found.append(Mapping(int(start, 16), int(end, 16), fields[1], int(fields[2], 16), path))
    return found


class Memory:
    """Reads and writes at addresses; what is not mapped raises OSError."""

    def __init__(self, pid: int, *, writable: bool = False) -> None:
        self._file = os.open(f"/proc/{pid}/mem", (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """All of it: what ends early is an error."""
        data = os.pread(self._file, size, address)
        if len(data) != size:
            raise OSError(f"{len(data)} of {size} bytes are mapped at {address:#x}")
        return data

    def write(self, address: int, data: bytes) -> None:
        done = os.pwrite(self._file, data, address)
        if done != len(data):
            raise OSError(f"{done} of {len(data)} bytes are mapped at {address:#x}")
