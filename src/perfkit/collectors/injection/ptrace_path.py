"""The path by ptrace: a subject and a text come in; the text is on its way when this returns.

The main thread is stopped for about a millisecond, makes one system call for a few pages, and is led through them back to
where it was. From the first changed register on it finds its way alone: detaching is all that is ever needed.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from perfkit.collectors.injection import machine_code, preconditions
from perfkit.collectors.injection.interface import Subject
from perfkit.collectors.injection.machine_code import FUNCTIONS, Places
from perfkit.collectors.injection.memory import Mapping, Memory, mappings
from perfkit.collectors.injection.ptrace import Ended, Silent, Stopped, Tracee
from perfkit.collectors.injection.registers import going_on, led_to
from perfkit.collectors.injection.signal_frame import TilesInUse, signal_frame
from perfkit.collectors.injection.symbols import Module, NotElf, NotX8664, python_module
from perfkit.collectors.injection.syscalls import MMAP, Stance, stance

# glibc's system calls compare the result with the last error and return; musl's return at once.
_SYSCALL = re.compile(rb"\x0f\x05(?:\x48\x3d\x01\xf0\xff\xff[\x72-\x77].)?\xc3", re.DOTALL)
_RESTORER = re.compile(rb"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05")
_SYSCALL_INSTRUCTION = 2
_LARGEST_LIBRARY = 1 << 26  # bytes
_PROT_READ_EXEC, _MAP_PRIVATE_ANONYMOUS = 1 | 4, 2 | 0x20


class NoRoom(Exception):
    """The process may not have pages with instructions: a limit on its memory, or a security module."""


@dataclass(frozen=True)
class Left:
    """What the main thread was doing, and where the pages lie that were left with it; 0 where it was let go as it was."""

    stance: Stance
    base: int


@dataclass(frozen=True)
class Target:
    """A process as it is mapped: valid until it executes another program."""

    subject: Subject
    python: Module
    places: Places

    def bring(self, text: str, deadline: float, *, only_waiting: bool = False) -> Left | None:
        """None is a moment at which nothing may be done. With `only_waiting`, a thread that is running is let go at once.

        Raises Refused, and PermissionError where another program traces it or none may. The stop is made in a thread of its own: signals never interrupt that, and the kernel detaches when
        it ends.
        """
        pid = self.subject.pid
        with ThreadPoolExecutor(1, "perfkit-ptrace") as alone:
            try:
                return alone.submit(self._bring, text.encode("ascii"), deadline, only_waiting).result()
            except Ended:
                raise preconditions.ended(pid) from None
            except Stopped:
                raise preconditions.stopped(pid) from None
            except Silent:
                raise preconditions.uninterruptible(pid) from None
            except NoRoom:
                raise preconditions.no_room(pid) from None
            except TilesInUse:
                return None
            except PermissionError:
                raise
            except OSError:  # no room on its stack just here, or it has just replaced its program
                return None

    def has_given_back(self, left: Left) -> bool:
        """Whether the pages are gone: the text has run, or never will."""
        try:
            with Memory(self.subject.pid) as memory:
                memory.read(left.base, 1)
        except OSError:
            return True
        return False

    def _bring(self, text: bytes, deadline: float, only_waiting: bool) -> Left | None:
        size = machine_code.size(text)
        with Memory(self.subject.pid, writable=True) as memory, Tracee(self.subject.pid, deadline) as tracee:
            stopped = tracee.registers
            doing = stance(stopped.system_call, stopped.result, (stopped.rdi, stopped.rsi), self.python.data)
            if doing == "unsafe":
                return None
            if only_waiting and doing == "running":
                return Left(doing, 0)
            home = going_on(stopped)
            stack, frame = signal_frame(
                home, tracee.floating, tracee.blocked_signals, stopped.rsp, self.places.restorer
            )
            memory.write(stack, frame)
            wanted = (0, size, _PROT_READ_EXEC, _MAP_PRIVATE_ANONYMOUS, -1, 0)
            tracee.registers = led_to(stopped, self.places.syscall, stack, rax=MMAP, arguments=wanted)
            base = tracee.finish_system_call(self.places.syscall + _SYSCALL_INSTRUCTION, stack)
            if -4096 < base < 0:
                raise NoRoom
            memory.write(base, machine_code.lent(self.places, base, text))
            tracee.registers = led_to(stopped, machine_code.entry(base, doing), stack)
            return Left(doing, base)


def look_at(subject: Subject) -> Target:
    """Finds all that is needed before the process is stopped. Raises Refused."""
    pid = subject.pid
    preconditions.check_machine(subject)
    try:
        maps = mappings(pid)
        with Memory(pid) as memory:
            python = python_module(memory, preconditions.executable(pid), maps)
            if python is None:
                raise preconditions.not_cpython(pid)
            functions = {name: python.address(name) or 0 for name in FUNCTIONS}
            syscall, restorer = _in_libc(memory, maps)
    except NotX8664:
        raise preconditions.other_architecture(pid) from None
    except PermissionError:
        raise preconditions.forbidden(pid) from None
    except (NotElf, OSError):
        raise preconditions.not_cpython(pid) from None
    if not (all(functions.values()) and syscall and restorer):
        raise preconditions.not_cpython(pid)
    return Target(subject, python, Places(functions, syscall, restorer))


def _in_libc(memory: Memory, maps: list[Mapping]) -> tuple[int, int]:
    """An instruction `syscall` before a return, and __restore_rt; 0 what there is not. The kernel's own page has both, but
    its instructions are not for others."""
    code = [mapping for mapping in maps if "x" in mapping.permissions and mapping.path.startswith("/")]
    named = re.compile(r"/(libc[.-]|ld-musl)")
    syscall = restorer = 0
    for mapping in sorted(code, key=lambda mapping: not named.search(mapping.path)):
        try:
            data = memory.read(mapping.start, min(mapping.end - mapping.start, _LARGEST_LIBRARY))
        except OSError:  # a file that was cut off
            continue
        one, other = _SYSCALL.search(data), _RESTORER.search(data)
        syscall = syscall or (mapping.start + one.start() if one else 0)
        restorer = restorer or (mapping.start + other.start() if other else 0)
        if syscall and restorer:
            break
    return syscall, restorer
