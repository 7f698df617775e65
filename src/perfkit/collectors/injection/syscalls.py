"""What a thread is doing, by the system call that it was stopped in (x86-64): whether Python may be run on it just there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

EINTR = 4
MMAP, MUNMAP = 9, 11
# include/linux/errno.h: how the kernel remembers that a call is to be repeated. NOHAND: unless a signal handler ran.
_RESTART, _RESTART_NOINTR, _RESTART_NOHAND, _RESTART_BLOCK = 512, 513, 514, 516
_BLOCKED = (-EINTR, -_RESTART, -_RESTART_NOINTR, -_RESTART_NOHAND, -_RESTART_BLOCK)

_FUTEX = 202
_FUTEX_WAIT_BITSET = 9
# What the kernel shows instead of a poll, a sleep or a lock with a time limit that was interrupted before.
_RESTART_SYSCALL = 219
_PAUSE, _RT_SIGSUSPEND = 34, 130
# Calls around which whoever waits has released Python's lock, and which may be interrupted.
_WAITING = frozenset(
    {
        *(0, 1, 19, 20),  # read write readv writev
        *(7, 23, 270, 271),  # poll select pselect6 ppoll
        *(232, 281, 441),  # epoll_wait epoll_pwait epoll_pwait2
        *(35, 230, _PAUSE, _RT_SIGSUSPEND, 128),  # nanosleep clock_nanosleep pause rt_sigsuspend rt_sigtimedwait
        *(42, 43, 288, 44, 45, 46, 47, 299),  # connect accept accept4 sendto recvfrom sendmsg recvmsg recvmmsg
        *(61, 247),  # wait4 waitid
        *(65, 220, 69, 70, 72, 73),  # semop semtimedop msgsnd msgrcv fcntl flock
        _RESTART_SYSCALL,
    }
)

Stance = Literal["running", "waiting", "unsafe"]


def stance(number: int, result: int, arguments: tuple[int, int], python_data: Iterable[range]) -> Stance:
    """Of a stopped thread, from its system call, what that gave, and its first two arguments.

    running: Python's own code goes on soon, a call may be left for it. waiting: it waits for the world outside, and Python
    may be run on top of it. unsafe: it may hold a lock of malloc's.
    """
    address, operation = arguments
    if number < 0 or result not in _BLOCKED:
        return "running"
    # In take_gil(): PyGILState_Ensure() would wait there a second time, for good.
    if number in (_FUTEX, _RESTART_SYSCALL) and any(address in data for data in python_data):
        return "running"
    if number == _FUTEX:
        # Python's locks wait with a bit set. Mutexes, malloc's among them, wait without.
        return "waiting" if operation & 0x7F == _FUTEX_WAIT_BITSET else "unsafe"
    return "waiting" if number in _WAITING else "unsafe"


def repeated(number: int, result: int, operation: int) -> bool | None:
    """Whether an interrupted call is made again (True) or says EINTR (False), None where it is finished.

    Python calls again what says EINTR, with what is left of the time (PEP 475). What has no such loop around it, and what
    waits until a moment instead of for a time, is made again.
    """
    if number < 0 or result not in _BLOCKED[1:]:
        return None
    if result == -_RESTART_NOHAND:
        return number in (_PAUSE, _RT_SIGSUSPEND)
    if result == -_RESTART_BLOCK:
        return number == _FUTEX and operation & 0x7F == _FUTEX_WAIT_BITSET
    return True
