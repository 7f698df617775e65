"""Figures of this process's heap: what the kernel, the C library and the interpreter account. Nothing is changed for it.

What the C library or the interpreter does not tell is -1.
"""

from __future__ import annotations

import ctypes
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")
# Bytes of the interpreter's account: two tables of a few dozen lines, and some totals.
_LONGEST = 32_000
_LINE = 200
# What a small object takes, in the middle.
SMALL = 64


class _Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t) for name in ("_heaps", "_1", "_2", "_3", "mapped", "_5", "_6", "used", "free", "_9")
    ]


def _library() -> Any:
    try:
        # It does not let go of the interpreter, as files of Python do at each step: beside a thread that works, to get it back
        # takes milliseconds each time, and all that is called here some microseconds.
        return ctypes.PyDLL(None)
    except OSError:  # linked without a C library that can be asked
        return None


_libc = _library()
_mallinfo: Any = getattr(_libc, "mallinfo2", None)
if _mallinfo is not None:
    _mallinfo.restype = _Mallinfo
_fmemopen: Any = getattr(_libc, "fmemopen", None)
_fopen: Any = getattr(_libc, "fopen", None)
_fread: Any = getattr(_libc, "fread", None)
_fclose: Any = getattr(_libc, "fclose", None)
if _fopen is not None:
    _fopen.restype = ctypes.c_void_p
    _fopen.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    _fread.restype = ctypes.c_size_t
    _fread.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
    _fclose.argtypes = (ctypes.c_void_p,)
# It writes its account for people, into a file; a piece of memory may be one.
_account: Any = getattr(ctypes.pythonapi, "_PyObject_DebugMallocStats", None)
if _account is not None and _fmemopen is not None:
    _fmemopen.restype = ctypes.c_void_p
    _fmemopen.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
    _account.argtypes = (ctypes.c_void_p,)
_with_lock = getattr(sys, "_is_gil_enabled", lambda: True)


def anonymous() -> int:
    """Resident bytes that no file stands behind; 0 where the kernel does not tell."""
    account = _statm().split()
    return (int(account[1]) - int(account[2])) * _PAGE if len(account) > 2 else 0


def _statm() -> bytes:
    if _fopen is None:
        return b""
    file = _fopen(b"/proc/self/statm", b"re")
    if not file:
        return b""
    text = ctypes.create_string_buffer(_LINE)
    read = _fread(text, 1, _LINE, file)
    _fclose(file)
    return text.raw[:read]


def malloc() -> tuple[int, int, int]:
    """Bytes that malloc has handed out, keeps for later, and has handed out in pieces of their own."""
    if _mallinfo is None:
        return -1, -1, -1
    found = _mallinfo()
    return found.used, found.free, found.mapped


def in_use() -> int:
    """Bytes in use, roughly: what malloc has handed out, and small objects."""
    used, _, mapped = malloc()
    return max(0, used) + max(0, mapped) + SMALL * sys.getallocatedblocks()


def small_objects() -> tuple[int, int]:
    """Bytes that Python's small objects take, and those of the arenas that hold them."""
    if _account is None or _fmemopen is None or not _with_lock():
        return -1, -1
    text = ctypes.create_string_buffer(_LONGEST)
    file = _fmemopen(text, _LONGEST, b"w")
    if not file:
        return -1, -1
    written = _account(file)
    _fclose(file)
    return _totals(text.value.decode("ascii", "replace")) if written else (-1, -1)


def _totals(account: str) -> tuple[int, int]:
    live = arenas = -1
    for line in account.splitlines():
        name, equals, number = line.partition("=")
        if not equals:
            continue
        if name.startswith("# bytes in allocated blocks"):
            live = int(number.replace(",", ""))
        elif name.rstrip().endswith("bytes/arena"):
            arenas = int(number.replace(",", ""))
    return live, arenas
