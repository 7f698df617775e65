"""Whether one running process can be measured: a pid comes in; checks go out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress

from perfkit.collectors.checkup_probe import probe
from perfkit.collectors.trial import sample
from perfkit.errors import PerfkitError
from perfkit.shared import privileges, processes, redact
from perfkit.shared.diagnosis import Check
from perfkit.shared.yama import ptrace_scope

_SHOWN = 60


def process(pid: int, probe_folder: str) -> Iterator[Check]:
    """The probe is tried in another process of the same Python. Raises PerfkitError (1) where there is no such process."""
    if not processes.alive(pid):
        raise PerfkitError(f"no process {pid} is running.", "perfkit attach NAME or perfkit attach :PORT finds it", 1)
    yield Check("ok", f"process {pid}: {_description(pid)}")
    readable = privileges.may_read(pid)
    yield _python(pid, readable)
    yield _reading(pid, readable)
    yield from _probing(pid, probe_folder)
    yield from _namespaces(pid)


def _description(pid: int) -> str:
    command = redact.argv(processes.command_line(pid)) or "no command line"
    command = command if len(command) <= _SHOWN else command[: _SHOWN - 1].rstrip() + "…"
    parts = [command, f"owner {processes.owner(pid) or 'unknown'}"]
    threads = _threads(pid)
    if threads:
        parts.append(f"{threads} thread{'' if threads == 1 else 's'}")
    below = sum(processes.python_of(child) is not None for child in processes.descendants(pid))
    if below:
        parts.append(f"{below} Python process{'' if below == 1 else 'es'} below it")
    folder = processes.cwd(pid)
    if folder:
        parts.append(f"in {folder}")
    return ", ".join(parts)


def _threads(pid: int) -> int | None:
    import psutil

    with suppress(psutil.Error, OSError):
        return int(psutil.Process(pid).num_threads())
    return None


def _python(pid: int, readable: bool) -> Check:
    version = processes.python_of(pid)
    if version is None and not readable:
        return Check("warn", "which Python it runs cannot be seen: its memory map belongs to another user")
    if version is None:
        below = [child for child in processes.descendants(pid) if processes.python_of(child) is not None]
        remedy = (f"perfkit attach {below[0]}",) if below else ()
        return Check("miss", "it is not Python" + (", but what it started is" if below else ""), remedy, needed=True)
    if processes.is_free_threaded(pid):
        text = f"it runs free-threaded Python {version}t, which py-spy cannot read"
        return Check("miss", text, (f"run it with the ordinary build of Python {version}",), needed=True)
    return Check("ok", f"it runs Python {version}" if version else "it runs Python of unknown version")


def _reading(pid: int, readable: bool) -> Check:
    """Asks the kernel first, as py-spy words a refusal in several ways; then takes samples of it."""
    if pid in {os.getpid(), *processes.ancestors(os.getpid())}:
        return Check("miss", "it is perfkit itself, or what started it, and must not be stopped for a look", (), True)
    if not readable:
        return Check("miss", f"reading it is not allowed: {_refusal(pid)}", _remedies(pid), needed=True)
    if processes.python_of(pid) is None or processes.is_free_threaded(pid):
        return Check("ok", "reading it is allowed")
    try:
        trial = sample(pid)
    except PerfkitError as error:
        return Check("miss", f"sampling it: {error}", (error.hint,), needed=True)
    if trial.looks:
        return Check("ok", f"sampling it works: {trial.looks} looks in {trial.seconds:.1f} s")
    why = trial.failure or "no sample came"
    return Check("miss", f"sampling it: {why}", _remedies(pid), needed=True)


def _probing(pid: int, folder: str) -> Iterator[Check]:
    """Where its interpreter may be run: not one of another machine's files, nor one that another user could have made."""
    if not processes.python_of(pid) or not sys.platform.startswith("linux") or _differs(pid, "mnt"):
        return
    with suppress(OSError):
        interpreter = os.readlink(f"/proc/{pid}/exe")
        if os.stat(interpreter).st_uid in (0, os.geteuid()):
            yield probe(interpreter, folder)


def _refusal(pid: int) -> str:
    tracer = processes.traced_by(pid)
    if tracer:
        return f"another program traces it ({tracer})"
    scope = ptrace_scope()
    if scope and not privileges.may_trace_all():
        return f"kernel.yama.ptrace_scope is {scope}"
    mine, its = os.geteuid(), processes.owner_id(pid)
    if its is not None and its != mine:
        return f"it belongs to {processes.owner(pid)}, you are uid {mine}"
    return "the kernel refuses (CAP_SYS_PTRACE is missing, or it made itself undumpable)"


def _remedies(pid: int) -> tuple[str, ...]:
    remedies = privileges.reading_remedies(f"sudo perfkit attach {pid}")
    same_user = processes.owner_id(pid) == os.geteuid()
    if ptrace_scope() == 1 and same_user:
        remedies += ("sudo sysctl kernel.yama.ptrace_scope=0",)
    command = redact.argv(processes.command_line(pid))
    return (*remedies, f"perfkit run -- {command}") if command and len(command) <= _SHOWN else remedies


def _namespaces(pid: int) -> Iterator[Check]:
    """A process of a container names its files as the container sees them."""
    if not sys.platform.startswith("linux"):
        return
    different = [kind for kind in ("mnt", "pid", "user") if _differs(pid, kind)]
    if "mnt" in different:
        folder = processes.cwd(pid) or "/app"
        yield Check(
            "warn",
            f"it runs in a container (other namespaces: {', '.join(different)}): its paths are not those of this machine",
            (f"perfkit attach {pid} --path-map {folder}=.   (from the folder with its source)",),
        )
    elif different:
        yield Check("ok", f"other namespaces ({', '.join(different)}), but the same files")


def _differs(pid: int, kind: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
    except OSError:
        return False
