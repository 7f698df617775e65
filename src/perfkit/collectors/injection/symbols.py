"""Where CPython's functions are in a process: its memory comes in; addresses go out.

The table of a module (.dynsym) is read as it is mapped, by way of its program headers and its hash table (ELF gABI 5;
DT_GNU_HASH as glibc reads it), so that a library that was replaced on disk or stands in another mount namespace is the
same to us.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from perfkit.collectors.injection.memory import Mapping, Memory

_PT_LOAD, _PT_DYNAMIC = 1, 2
_PF_W = 2
_DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_GNU_HASH = 4, 5, 6, 0x6FFFFEF5
_X86_64 = 62
_SYMBOL = struct.Struct("<IBBHQQ")


_LARGEST = 1 << 16  # bytes of headers: what is read was written by a stranger


class NotX8664(Exception):
    """The process's program is of another architecture than x86-64."""


class NotElf(Exception):
    """What is mapped is not a program that the kernel and libc would have loaded."""


@contextmanager
def _strange() -> Iterator[None]:
    try:
        yield
    except (OSError, struct.error, ArithmeticError, LookupError, ValueError) as error:
        raise NotElf from error


class Module:
    """An ELF file mapped at `start`. `data` are the addresses that it may write to, static variables included."""

    def __init__(self, memory: Memory, start: int) -> None:
        """Raises NotX8664 and NotElf."""
        self._memory = memory
        with _strange():
            self._read(start)

    def _read(self, start: int) -> None:
        memory = self._memory
        header = memory.read(start, 64)
        if header[4] != 2 or struct.unpack_from("<H", header, 18)[0] != _X86_64:
            raise NotX8664
        at, size, count = *struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54)
        if at > _LARGEST or size * count > _LARGEST:
            raise NotElf
        headers = memory.read(start + at, size * count)
        segments = [struct.unpack_from("<IIQQQQQQ", headers, size * index) for index in range(count)]
        loads = [segment for segment in segments if segment[0] == _PT_LOAD]
        self._bias: int = start - (loads[0][3] & ~0xFFF)
        self.data = tuple(
            range(self._bias + load[3], self._bias + load[3] + load[6]) for load in loads if load[1] & _PF_W
        )
        (dynamic,) = (segment for segment in segments if segment[0] == _PT_DYNAMIC)
        raw = memory.read(self._bias + dynamic[3], min(dynamic[6], _LARGEST) & ~0xF)
        # glibc stores addresses there, musl leaves what the file says.
        self._table = {
            tag: value if value >= start else value + self._bias for tag, value in struct.iter_unpack("<qQ", raw)
        }

    def address(self, name: str) -> int | None:
        """Of a symbol that the module defines. Raises NotElf."""
        with _strange():
            return self._find(name)

    def _find(self, name: str) -> int | None:
        wanted = name.encode() + b"\0"
        for index in self._candidates(name.encode()):
            named, _, _, section, value, _ = _SYMBOL.unpack(
                self._memory.read(self._table[_DT_SYMTAB] + index * _SYMBOL.size, _SYMBOL.size)
            )
            if section and self._memory.read(self._table[_DT_STRTAB] + named, len(wanted)) == wanted:
                return int(value) + self._bias
        return None

    def _candidates(self, name: bytes) -> Iterator[int]:
        """Numbers of the symbols whose hash fits."""
        if _DT_GNU_HASH in self._table:
            yield from self._by_gnu_hash(self._table[_DT_GNU_HASH], name)
        elif _DT_HASH in self._table:
            _, chains = self._words(self._table[_DT_HASH], 2)
            yield from range(chains)

    def _by_gnu_hash(self, at: int, name: bytes) -> Iterator[int]:
        hashed = 5381
        for byte in name:
            hashed = (hashed * 33 + byte) & 0xFFFFFFFF
        buckets, first, bloom, _ = self._words(at, 4)
        begin = at + 16 + 8 * bloom
        (index,) = self._words(begin + 4 * (hashed % buckets), 1)
        while index >= first:
            (chained,) = self._words(begin + 4 * (buckets + index - first), 1)
            if chained | 1 == hashed | 1:
                yield index
            if chained & 1:
                return
            index += 1

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._memory.read(address, 4 * count))


def python_module(memory: Memory, executable: str, maps: list[Mapping]) -> Module | None:
    """The library or program that holds CPython and tells its names; None where it is not CPython or was stripped."""
    begins = {mapping.path: mapping.start for mapping in reversed(maps) if mapping.path and not mapping.offset}
    if executable in begins:
        with suppress(NotElf):
            Module(memory, begins[executable])  # of another architecture: that is to be said first
    likely = sorted(
        (path for path in begins if path == executable or "python" in os.path.basename(path)),
        key=lambda path: (not os.path.basename(path).startswith("libpython"), path != executable, path),
    )
    for path in likely:
        with suppress(NotElf, NotX8664):
            module = Module(memory, begins[path])
            if module.address("Py_AddPendingCall"):
                return module
    return None
