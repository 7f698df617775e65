"""ptrace(2) on one thread, by ctypes: a pid comes in; its stops, registers and signal mask go out, and registers go in.

Single steps and breakpoints are never used: whoever traces may die at any moment, and a thread with one of these pending
would then be killed by it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

from perfkit.collectors.injection.registers import Registers
from perfkit.shared import processes

_GETREGS, _SETREGS, _DETACH, _SYSCALL, _CONT = 12, 13, 17, 24, 7
_GETSIGINFO, _GETREGSET, _SEIZE, _INTERRUPT, _GETSIGMASK = 0x4202, 0x4204, 0x4206, 0x4207, 0x420A
_O_TRACESYSGOOD = 1
_NT_X86_XSTATE = 0x202
_EVENT_STOP = 128
_WALL = 0x40000000
_STOPPING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_LARGEST_STATE = 1 << 16
_LONGEST_DETACH = 2.0


class Ended(Exception):
    """The process is gone."""


class Stopped(Exception):
    """The process was stopped by a signal (SIGSTOP, Ctrl-Z)."""


class Silent(Exception):
    """The thread did not come to a stop in time: it is inside the kernel, uninterruptibly."""


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    length: int


@dataclass(frozen=True)
class Stop:
    signal: int
    event: int

    @property
    def at_system_call(self) -> bool:
        return self.signal == signal.SIGTRAP | 0x80

    @property
    def delivers(self) -> int:
        """The signal that is on its way to the thread, 0 where the stop is about something else."""
        return 0 if self.event or self.at_system_call else self.signal


class Tracee:
    """The main thread of a process while it is traced. To be used in one thread of ours alone, which does nothing else:
    when that thread ends the kernel lets go of whatever it still traces.
    """

    def __init__(self, pid: int, deadline: float) -> None:
        self.pid, self._deadline = pid, deadline
        self._stop: Stop | None = None

    def __enter__(self) -> Tracee:
        """Stopped. Raises OSError where that is not allowed, and Ended, Stopped and Silent."""
        _ptrace(_SEIZE, self.pid, 0, _O_TRACESYSGOOD)
        try:
            _ptrace(_INTERRUPT, self.pid)
            while not self._wait(self._deadline).event:
                self._resume(_CONT)
        except BaseException:
            self._detach()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._detach()

    @property
    def registers(self) -> Registers:
        found = Registers()
        _ptrace(_GETREGS, self.pid, 0, ctypes.addressof(found))
        return found

    @registers.setter
    def registers(self, wanted: Registers) -> None:
        _ptrace(_SETREGS, self.pid, 0, ctypes.addressof(wanted))

    @property
    def floating(self) -> bytes:
        """The state of the floating-point unit, as XSAVE writes it."""
        buffer = ctypes.create_string_buffer(_LARGEST_STATE)
        vector = _Vector(ctypes.addressof(buffer), _LARGEST_STATE)
        _ptrace(_GETREGSET, self.pid, _NT_X86_XSTATE, ctypes.addressof(vector))
        return buffer.raw[: vector.length]

    @property
    def blocked_signals(self) -> int:
        mask = ctypes.c_uint64()
        _ptrace(_GETSIGMASK, self.pid, ctypes.sizeof(mask), ctypes.addressof(mask))
        return mask.value

    def finish_system_call(self, after: int, stack: int) -> int:
        """Its result. The thread is about to make a system call with this stack pointer, and `after` is the address
        behind the instruction; signals that come in between are handed on."""
        entered = False
        while True:
            self._resume(_SYSCALL)
            stop = self._wait(self._deadline)
            if stop.at_system_call:
                now = self.registers
                if (now.rip, now.rsp) == (after, stack):
                    if entered:
                        return now.result
                    entered = True

    def _resume(self, how: int) -> None:
        delivers = self._stop.delivers if self._stop else 0
        self._stop = None
        _ptrace(how, self.pid, 0, delivers)

    def _wait(self, deadline: float) -> Stop:
        pause = 0.00002
        while (status := self._status()) is None:
            if time.monotonic() > deadline:
                raise Silent
            time.sleep(pause)
            pause = min(pause * 1.5, 0.002)
        self._stop = Stop(status >> 8 & 0xFF, status >> 16)
        if self._stop.event == _EVENT_STOP and self._stop.signal in _STOPPING:
            raise Stopped
        return self._stop

    def _status(self) -> int | None:
        """Looks before it takes: a child of ours that ended is left to whoever waits for it. And whoever waits for a child
        (Popen.poll in another thread) may take a stop away from us: then the thread itself tells of it."""
        looking = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL
        try:
            seen = os.waitid(os.P_PID, self.pid, looking)
            if seen is None:
                return self._told_by_itself()
            if seen.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED):
                if not _is_ours(self.pid):
                    os.waitpid(self.pid, os.WNOHANG | _WALL)
                raise Ended
            pid, status = os.waitpid(self.pid, os.WNOHANG | _WALL)
        except ChildProcessError:
            raise Ended from None
        return status if pid else None

    def _told_by_itself(self) -> int | None:
        information = (ctypes.c_int32 * 32)()
        try:
            _ptrace(_GETSIGINFO, self.pid, 0, ctypes.addressof(information))
        except OSError:
            return None  # it is not stopped
        number, _, code = information[:3]
        special = code == signal.SIGTRAP | 0x80 or code >> 8 == _EVENT_STOP
        return (code if special else number) << 8 | 0x7F

    def _detach(self) -> None:
        deadline = time.monotonic() + _LONGEST_DETACH
        try:
            while True:
                if self._stop is None:
                    _ptrace(_INTERRUPT, self.pid)
                    with suppress(Stopped):
                        self._wait(deadline)
                _ptrace(_DETACH, self.pid, 0, self._stop.delivers if self._stop else 0)
                return
        except (Ended, Silent, OSError):
            return  # gone, or the end of our thread detaches


def _is_ours(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b") ")[2].split()[1]) == os.getpid()


@cache
def _library() -> Any:
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.restype = ctypes.c_long
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    return library


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    if _library().ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        if number == errno.ESRCH and not processes.alive(pid):
            raise Ended
        raise OSError(number, os.strerror(number))
