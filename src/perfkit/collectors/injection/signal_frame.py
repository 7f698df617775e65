"""A frame as the kernel lays it on the stack before a signal's handler: registers come in; bytes and their address go out.

Whatever is run on a thread returns to __restore_rt of its libc, as a handler does, and the kernel then puts all registers
back from this frame. So the thread finds its way home alone, whoever has died meanwhile. Layout: Linux,
arch/x86/include/uapi/asm/sigcontext.h and arch/x86/kernel/fpu/signal.c.
"""

from __future__ import annotations

import struct

from perfkit.collectors.injection.registers import Registers

_RED_ZONE = 128  # bytes below the stack pointer that functions use without saying so (System V ABI)
_RETURN_ADDRESS = 8
_UC_FP_XSTATE, _UC_SIGCONTEXT_SS, _UC_STRICT_RESTORE_SS = 1, 2, 4
_NO_SUCH_MODE = 4  # of an alternative stack: the kernel ignores it, and leaves the thread's own as it is
_INFO = 128
_SOFTWARE, _HEADER = 464, 512  # offsets in the state of the floating-point unit
_MAGIC_1, _MAGIC_2 = 0x46505853, 0x46505845
_TILES = 1 << 18
_SIZE_BEFORE_TILES = 2816
_CONTEXT = (
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp"),
    *("rip", "eflags"),
)


class TilesInUse(Exception):
    """The thread computes with AMX just now, whose state is too large for a frame."""


def signal_frame(registers: Registers, floating: bytes, mask: int, below: int, restorer: int) -> tuple[int, bytes]:
    """Where it goes and what it holds; its first eight bytes are the return address.

    `floating` is the state as ptrace shows it (NT_X86_XSTATE), `mask` the blocked signals, `below` the stack pointer.
    """
    state = _floating(floating)
    at_state = (below - _RED_ZONE - len(state)) & ~63
    fixed = _RETURN_ADDRESS + 40 + 256 + 8 + _INFO
    address = ((at_state - fixed) & ~15) - 8  # as after a call: the return address is not aligned, what follows it is
    flags = _UC_FP_XSTATE | _UC_SIGCONTEXT_SS | _UC_STRICT_RESTORE_SS
    frame = struct.pack("<QQQQIIQ", restorer, flags, 0, 0, _NO_SUCH_MODE, 0, 0)
    frame += struct.pack("<18Q", *(getattr(registers, name) for name in _CONTEXT))
    frame += struct.pack("<HHHH", registers.cs, 0, 0, registers.ss)
    frame += struct.pack("<4Q", 0, 0, 0, 0)  # error, trap, old mask, faulting address
    frame += struct.pack("<9Q", at_state, *([0] * 8))
    frame += struct.pack("<Q", mask) + bytes(_INFO)
    return address, frame + bytes(at_state - address - len(frame)) + state


def _floating(shown: bytes) -> bytes:
    """With the marks by which the kernel knows how much of it is there."""
    (features,) = struct.unpack_from("<Q", shown, _SOFTWARE)
    size = len(shown)
    if features & _TILES:
        if struct.unpack_from("<Q", shown, _HEADER)[0] & _TILES:
            raise TilesInUse
        size, features = _SIZE_BEFORE_TILES, features & ~_TILES
    marks = struct.pack("<IIQI28x", _MAGIC_1, size + 4, features, size)
    return shown[:_SOFTWARE] + marks + shown[_HEADER:size] + struct.pack("<I", _MAGIC_2)
