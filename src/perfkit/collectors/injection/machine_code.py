"""The few instructions that are lent to a process (x86-64): addresses in, bytes out.

They lie in pages of their own together with Python's text, and give those pages back when they have done their work.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from perfkit.collectors.injection.syscalls import MUNMAP

PAGE = 4096
FUNCTIONS = (
    "Py_IsInitialized", "Py_AddPendingCall", "PyGILState_Ensure", "PyRun_SimpleString", "PyGILState_Release",
)  # fmt: skip
_PUSH_RBX, _POP_RBX = b"\x53", b"\x5b"
_KEEP_RESULT, _HAND_RESULT = b"\x89\xc3", b"\x89\xdf"  # mov ebx, eax; mov edi, ebx
_ALIGN, _UNALIGN, _RETURN = b"\x48\x83\xec\x08", b"\x48\x83\xc4\x08", b"\xc3"
_BACK = _UNALIGN + _RETURN
_IS_ZERO = b"\x85\xc0"


@dataclass(frozen=True)
class Places:
    """Addresses in the process: CPython's functions by name, and of its libc an instruction `syscall` that a return
    follows, and __restore_rt."""

    functions: dict[str, int]
    syscall: int
    restorer: int


def size(text: bytes) -> int:
    """Bytes of whole pages that instructions and text need."""
    return (_TEXT + len(text) + 1 + PAGE - 1) // PAGE * PAGE


def lent(places: Places, base: int, text: bytes) -> bytes:
    """What goes to `base`: two entries, the pending call, the release, the text of Python."""
    function = places.functions
    release = (
        _into("rdi", base)
        + _into("rsi", size(text))
        + _into("rax", MUNMAP)
        + _into("r8", places.syscall)
        + b"\x41\xff\xe0"
    )
    run = _into("rdi", base + _TEXT) + _call(function["PyRun_SimpleString"])
    waiting = (
        _call(function["PyGILState_Ensure"]) + _KEEP_RESULT + run + _HAND_RESULT + _call(function["PyGILState_Release"])
    )
    # A queue that is full says so by -1: then nobody will run the text, and the pages go at once.
    leave = (
        _into("rdi", base + _PENDING) + _into("rsi", base + _TEXT) + _call(function["Py_AddPendingCall"]) + _IS_ZERO
        + _jump_if("not zero", _BACK) + _BACK
    )  # fmt: skip
    check = _call(function["Py_IsInitialized"]) + _IS_ZERO
    code = {
        _RUNNING: _ALIGN + check + _jump_if("zero", leave) + leave + _UNALIGN + release,
        _WAITING: _PUSH_RBX + check + _jump_if("zero", waiting) + waiting + _POP_RBX + release,
        _PENDING: _ALIGN + run + _UNALIGN + release,  # munmap gives 0, which is what a pending call has to say
    }
    page = bytearray(_TEXT)
    for at, instructions in code.items():
        page[at : at + len(instructions)] = instructions
    return bytes(page) + text + b"\0"


def entry(base: int, stance: Literal["running", "waiting"]) -> int:
    return base + (_RUNNING if stance == "running" else _WAITING)


_RUNNING, _WAITING, _PENDING, _TEXT = 0, 256, 512, 768
_REGISTERS = {"rax": b"\x48\xb8", "rdi": b"\x48\xbf", "rsi": b"\x48\xbe", "r8": b"\x49\xb8"}
_JUMPS = {"zero": b"\x0f\x84", "not zero": b"\x0f\x85"}


def _into(register: str, value: int) -> bytes:
    return _REGISTERS[register] + struct.pack("<Q", value)


def _call(address: int) -> bytes:
    return _into("rax", address) + b"\xff\xd0"


def _jump_if(condition: str, over: bytes) -> bytes:
    return _JUMPS[condition] + struct.pack("<i", len(over))
