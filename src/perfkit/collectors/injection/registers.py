"""The registers of a stopped thread on x86-64, and with which ones it is to go on (Linux: struct user_regs_struct)."""

from __future__ import annotations

import ctypes

from perfkit.collectors.injection import syscalls

_FIELDS = (
    *(
        "r15",
        "r14",
        "r13",
        "r12",
        "rbp",
        "rbx",
        "r11",
        "r10",
        "r9",
        "r8",
        "rax",
        "rcx",
        "rdx",
        "rsi",
        "rdi",
        "orig_rax",
    ),
    *("rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)
_TRAP_AND_DIRECTION = 0x100 | 0x400
_SYSCALL_INSTRUCTION = 2  # bytes


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in _FIELDS]

    r15: int
    r14: int
    r13: int
    r12: int
    rbp: int
    rbx: int
    r11: int
    r10: int
    r9: int
    r8: int
    rax: int
    rcx: int
    rdx: int
    rsi: int
    rdi: int
    orig_rax: int
    rip: int
    cs: int
    eflags: int
    rsp: int
    ss: int

    @property
    def system_call(self) -> int:
        """Its number; negative where the thread is in none."""
        return ctypes.c_int64(self.orig_rax).value

    @property
    def result(self) -> int:
        """Of the system call: negative numbers are errors, those from -512 on never reach a program."""
        return ctypes.c_int64(self.rax).value

    def copy(self) -> Registers:
        return Registers.from_buffer_copy(self)


def going_on(stopped: Registers) -> Registers:
    """With what the thread would return to its program, had it not been led elsewhere: the kernel does not see to an
    interrupted system call any more once its registers were changed, so that this says what becomes of it."""
    registers = stopped.copy()
    again = syscalls.repeated(stopped.system_call, stopped.result, stopped.rsi)
    if again:
        registers.rip -= _SYSCALL_INSTRUCTION
        registers.rax = stopped.orig_rax
    elif again is False:
        registers.rax = ctypes.c_uint64(-syscalls.EINTR).value
    registers.orig_rax = ctypes.c_uint64(-1).value
    return registers


def led_to(stopped: Registers, address: int, stack: int, *, rax: int = 0, arguments: tuple[int, ...] = ()) -> Registers:
    """At a function (or a system call instruction) whose return address lies at `stack`."""
    registers = stopped.copy()
    registers.rip, registers.rsp, registers.rax = address, stack, rax
    registers.orig_rax = ctypes.c_uint64(-1).value
    registers.eflags &= ~_TRAP_AND_DIRECTION
    # The order of a system call; none of ours hands more than three to a function, where it is the same.
    for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), arguments, strict=False):
        setattr(registers, name, ctypes.c_uint64(value).value)
    return registers
