"""What must hold before anything touches a process: a pid comes in; a Subject goes out, or the reason why not (Refused)."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

from perfkit.collectors.injection.interface import Subject, refused
from perfkit.shared import privileges, processes, yama

OLDEST = (3, 9)
_PATIENCE = 0.5  # seconds for a state that may pass by itself
_A_MOMENT = 5.0  # seconds that a py-spy may hold it where others have the processors
_PF_EXITING = 4  # include/linux/sched.h
_OFF = "PYTHON_DISABLE_REMOTE_DEBUG"
_OPTION = "disable-remote-debug"
_WITH_A_WORD = ("-X", "-W", "--check-hash-based-pycs")


def examine(pid: int) -> Subject:
    """Raises Refused, with the first reason that holds."""
    if not sys.platform.startswith("linux"):
        raise refused(pid, "perfkit brings code into running processes on Linux only", "launch it with perfkit run")
    if pid == os.getpid():
        raise refused(pid, "this is perfkit itself", "give the pid of another process")
    status = _status(pid)
    _check_state(pid)
    if not privileges.may_read(pid):
        raise _not_allowed(pid)
    version = _version(pid)
    _check_consent(pid)
    if _status(pid).get("TracerPid", "0") != "0":
        _check_tracer(pid)
    return Subject(
        pid=pid,
        inner_pid=inner_pid(pid),
        version=version,
        free_threaded=processes.is_free_threaded(pid),
        user=int(status["Uid"].split()[3]),
        group=int(status["Gid"].split()[3]),
        groups=tuple(map(int, status.get("Groups", "").split())),
        shares_files=_same_files(pid),
    )


def check_machine(subject: Subject) -> None:
    """For the path by ptrace, whose instructions are those of one architecture."""
    if platform.machine() != "x86_64":
        why = f"on {platform.machine()} perfkit brings code into Python 3.14 and later only, while its main thread runs"
        raise refused(subject.pid, why, "launch it with perfkit run")
    if subject.free_threaded:
        raise refused(
            subject.pid,
            "it runs free-threaded Python, whose threads cannot be interrupted safely",
            "launch it with perfkit run, or measure a build with the interpreter lock",
        )
    if "shstk" in _status(subject.pid).get("x86_Thread_features", ""):
        raise refused(
            subject.pid,
            "its main thread has a shadow stack, which forbids to lead it elsewhere",
            "start it without x86_shstk in GLIBC_TUNABLES",
        )


def other_architecture(pid: int) -> Exception:
    return refused(
        pid, "its program is not for x86-64, the one architecture that is known here", "launch it with perfkit run"
    )


def not_cpython(pid: int) -> Exception:
    return refused(
        pid,
        "its program does not tell where CPython's functions are: it is another Python, or static and stripped",
        "run it with an unstripped CPython, or launch it with perfkit run",
    )


def forbidden(pid: int) -> Exception:
    """ptrace was refused although the process may be read: somebody else holds it, or a filter forbids the call."""
    if _status(pid).get("TracerPid", "0") != "0":
        return _traced(pid)
    if privileges.seccomp_filters():
        return refused(
            pid,
            "a seccomp filter of this container forbids ptrace",
            f"start perfkit's container with the capability SYS_PTRACE: {_containers()}",
        )
    return _not_allowed(pid)


def is_ending(pid: int) -> bool:
    """Gone, a zombie, or on its way there: then its memory is gone before it is (proc(5): stat, the flag PF_EXITING)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
    except OSError:
        return True
    return fields[0] in "ZXx" or bool(int(fields[6]) & _PF_EXITING)


def stopped(pid: int) -> Exception:
    return refused(pid, "it is stopped (SIGSTOP, or Ctrl-Z in a terminal)", f"let it go on: kill -CONT {pid}")


def ended(pid: int) -> Exception:
    return refused(pid, "it has ended", "give the pid of a process that runs")


def no_room(pid: int) -> Exception:
    return refused(
        pid,
        "it may not have another page of memory with instructions: a limit (ulimit -v), or SELinux (execmem)",
        "raise that limit, or launch it with perfkit run",
    )


def uninterruptible(pid: int) -> Exception:
    return refused(
        pid,
        "its main thread waits inside the kernel and cannot be interrupted (state D: a disk, NFS, a frozen control group)",
        "try again when it has got what it waits for",
    )


def _check_state(pid: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (state := _status(pid).get("State", "X")[0]) == "D" and time.monotonic() < deadline:
        time.sleep(0.01)
    if state in "ZXx":
        raise ended(pid)
    if state == "T":
        raise stopped(pid)
    if state == "D":
        raise uninterruptible(pid)


def _version(pid: int) -> tuple[int, int]:
    found = processes.python_of(pid)
    name = os.path.basename(executable(pid))
    if found is None or name.startswith("pypy"):
        raise refused(pid, f"it does not run CPython ({name or 'unknown program'})", "give the pid of a Python process")
    if not found:
        raise refused(pid, "which version of Python it runs cannot be told", "launch it with perfkit run")
    major, minor = map(int, found.split("."))
    if (major, minor) < OLDEST:
        raise refused(pid, f"it runs Python {found}, and this needs 3.9", "samples cover it from outside")
    return major, minor


def _not_allowed(pid: int) -> Exception:
    if not processes.alive(pid):
        return ended(pid)
    scope = yama.ptrace_scope()
    if scope == 3:
        return refused(
            pid,
            "kernel.yama.ptrace_scope is 3: nobody may trace a process until the next start of the machine",
            "start the machine with kernel.yama.ptrace_scope=1",
        )
    if os.geteuid() == 0:
        why = "tracing it needs the capability CAP_SYS_PTRACE, which this container does not have"
        return refused(pid, why, _containers())
    if processes.owner_id(pid) != os.geteuid():
        why = f"it belongs to {processes.owner(pid) or 'another user'}, and tracing it needs the capability CAP_SYS_PTRACE"
    elif yama.ptrace_is_restricted():
        why = f"kernel.yama.ptrace_scope is {scope}: tracing it needs the capability CAP_SYS_PTRACE"
    else:
        why = "it has changed its user or its privileges, and tracing it needs the capability CAP_SYS_PTRACE"
    sudo = f"sudo perfkit attach {pid}"
    return refused(pid, why, f"{sudo}, or {_containers()}" if privileges.container() else sudo)


def _containers() -> str:
    return 'docker run --cap-add SYS_PTRACE …, kubernetes: securityContext.capabilities.add: ["SYS_PTRACE"]'


def _check_consent(pid: int) -> None:
    words = processes.command_line(pid)
    if environment(pid).get(_OFF):
        raise refused(
            pid, f"its environment says {_OFF}: it does not want code from outside", f"start it without {_OFF}"
        )
    if _OPTION in _options(words):
        raise refused(
            pid, f"it was started with -X {_OPTION}: it does not want code from outside", "start it without this option"
        )


def _options(words: list[str]) -> list[str]:
    """Values of -X before the script, however they are written."""
    found: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        if word.startswith("--") and word not in _WITH_A_WORD:
            continue
        if not word.startswith("-") or word in ("-", "-c", "-m"):
            break
        if word in _WITH_A_WORD:
            value = next(rest, "")
            found += [value] if word == "-X" else []
        elif not word.startswith("-W") and "X" in word:
            value = word.partition("X")[2] or next(rest, "")
            found.append(value)
        elif word[-1] in "cm":
            break
    return found


def holds_for_moments(pid: int) -> bool:
    """Whether it is traced by a py-spy, which lets go again; a debugger stays."""
    tracer = _status(pid).get("TracerPid", "0")
    return tracer != "0" and os.path.basename(executable(int(tracer))).startswith("py-spy")


def _check_tracer(pid: int) -> None:
    deadline = time.monotonic() + (_A_MOMENT if holds_for_moments(pid) else _PATIENCE)
    while (first := _status(pid).get("TracerPid", "0")) != "0":
        if time.monotonic() > deadline:
            raise _traced(pid)
        while _status(pid).get("TracerPid", "0") == first and time.monotonic() < deadline:
            time.sleep(0.002)


def _traced(pid: int) -> Exception:
    return refused(
        pid, f"another program traces it ({processes.traced_by(pid)})", "end that debugger, strace or profiler first"
    )


def inner_pid(pid: int) -> int:
    """What its own os.getpid() says: another number in a PID namespace of its own. Raises Refused where it has ended."""
    return int(_status(pid).get("NSpid", str(pid)).split()[-1])


def _status(pid: int) -> dict[str, str]:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise ended(pid) from None
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def environment(pid: int) -> dict[str, str]:
    """As it was when the program began; empty where that cannot be read."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (os.fsdecode(pair).partition("=") for pair in raw.split(b"\0"))
    return {name: value for name, found, value in pairs if found}


def executable(pid: int) -> str:
    """Its path as the target sees it, "" where it is not told."""
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def _same_files(pid: int) -> bool:
    try:
        here, there = os.stat("/"), os.stat(f"/proc/{pid}/root")
        same_root = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
        return same_root and os.readlink("/proc/self/ns/mnt") == os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return False
