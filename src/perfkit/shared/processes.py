"""Reading the process table: a pid comes in; what the kernel says about that process goes out.

Nothing here raises: a process that is gone or unreadable gives the quiet value (None, False or an empty list).
Linux is read from /proc, other systems through psutil.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import psutil

T = TypeVar("T")

_LINUX = sys.platform.startswith("linux")
_EXECUTABLE = re.compile(
    r"^pythonw?(?:(?P<version>[23]\.\d+)(?P<flags>[a-z]*)|[23])?(?:-\w+)?(?:\.exe)?$", re.IGNORECASE
)
_FRAMEWORK = re.compile(r"Python(?P<flags>T?)\.framework/Versions/(?P<version>[23]\.\d+)")
# The library itself, or, where it is linked in statically (uWSGI, mod_wsgi), an extension module built for it.
_MAPPED = re.compile(
    rb"/libpython(?P<library>[23]\.\d+)(?P<library_flags>[a-z]*)\."
    rb"|/python(?P<folder>[23]\.\d+)(?P<folder_flags>[a-z]*)/lib-dynload/"
    rb"|\.cpython-3(?P<minor>\d+)(?P<minor_flags>[a-z]*)-"
)


def pids() -> list[int]:
    """Every process that is visible."""
    if _LINUX:
        return sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    import psutil

    return sorted(psutil.pids())


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, parents before their children."""
    if not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
        return _descendants_by_psutil(pid)
    found: list[int] = []
    seen = {pid}
    waiting = [pid]
    while waiting:
        children = [child for child in _children(waiting.pop(0)) if child not in seen]
        seen.update(children)
        found.extend(children)
        waiting.extend(children)
    return found


def alive(pid: int) -> bool:
    """Whether it runs or could run: a zombie is not alive."""
    if not _LINUX:
        return _alive_by_psutil(pid)
    fields = _stat(pid)
    return bool(fields) and fields[0] not in ("Z", "X", "x")


def start_time(pid: int) -> float | None:
    """Seconds, to a clock tick, on a clock of the kernel's own: with the pid it tells a process from a later one."""
    if _LINUX:
        fields = _stat(pid)
        return int(fields[19]) / os.sysconf("SC_CLK_TCK") if fields else None
    return _ask(pid, "create_time", float)


def image(pid: int) -> int | None:
    """Where its first stack began: another place when it has replaced itself by exec. None where that is not told."""
    fields = _stat(pid) if _LINUX else None
    return int(fields[25]) or None if fields else None


def parent(pid: int) -> int | None:
    if _LINUX:
        fields = _stat(pid)
        return int(fields[1]) if fields else None
    return _ask(pid, "ppid", int)


def ancestors(pid: int) -> list[int]:
    """The parent, its parent and so on, nearest first."""
    found: list[int] = []
    above = parent(pid)
    while above and above not in found:
        found.append(above)
        above = parent(above)
    return found


def command_line(pid: int) -> list[str]:
    """argv as the process shows it now; a program that changed its title gives that as one word."""
    if not _LINUX:
        return _ask(pid, "cmdline", list) or []
    raw = _read(f"/proc/{pid}/cmdline")
    words = raw.rstrip(b"\0").split(b"\0") if raw else []
    return [os.fsdecode(word) for word in words]


def traced_by(pid: int) -> str | None:
    """Who has hold of the process as a debugger does: `pid 12: strace -p 7`. None: nobody, or it is not told."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"TracerPid:"):
            tracer = int(line.split()[1])
            name = " ".join(command_line(tracer))[:60] if tracer else ""
            return f"pid {tracer}{f': {name}' if name else ''}" if tracer else None
    return None


def cwd(pid: int) -> str | None:
    return _link(f"/proc/{pid}/cwd") if _LINUX else _ask(pid, "cwd", str)


def owner_id(pid: int) -> int | None:
    """The effective user id."""
    if not _LINUX:
        ids = _ask(pid, "uids", tuple)
        return int(ids[1]) if ids else None
    found = re.search(rb"^Uid:\s+\d+\s+(\d+)", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) if found else None


def owner(pid: int) -> str | None:
    """The user's name, or the number of a user without one (as in containers)."""
    user = owner_id(pid)
    if user is None:
        return None
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def python_of(pid: int) -> str | None:
    """`"3.11"`: the CPython that it runs now; `""` one of unknown version; None is not Python, or not yet.

    Between fork and exec a process still looks like its parent, so an answer holds for the moment it was asked.
    """
    build = _build(pid)
    return build[0] if build else None


def is_free_threaded(pid: int) -> bool:
    """Whether it runs a build without the interpreter lock (`python3.13t`)."""
    build = _build(pid)
    return build is not None and "t" in build[1]


def _build(pid: int) -> tuple[str, str] | None:
    """Version and ABI flags."""
    executable = _executable(pid)
    named = _EXECUTABLE.match(Path(executable).name)
    if named and named["version"]:
        return named["version"], named["flags"].lower()
    framework = _FRAMEWORK.search(executable)
    if framework:
        return framework["version"], framework["flags"].lower()
    mapped = _MAPPED.search(_read(f"/proc/{pid}/maps")) if _LINUX else None
    if mapped:
        version = mapped["library"] or mapped["folder"] or b"3." + mapped["minor"]
        flags = mapped["library_flags"] or mapped["folder_flags"] or mapped["minor_flags"] or b""
        return version.decode(), flags.decode()
    return ("", "") if named else None


def _executable(pid: int) -> str:
    """Its path; of another user's process, whose path is not readable, the first word of its command line."""
    path = _link(f"/proc/{pid}/exe") if _LINUX else _ask(pid, "exe", str)
    if path:
        return path.removesuffix(" (deleted)")
    words = command_line(pid)
    return words[0] if words else ""


def _stat(pid: int) -> list[str]:
    """/proc/PID/stat from the state (field 3) on: a command's name may hold spaces and parentheses."""
    _, _, rest = _read(f"/proc/{pid}/stat").rpartition(b") ")
    return rest.decode("ascii", "replace").split()


def _children(pid: int) -> Iterator[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return
    for task in tasks:
        yield from map(int, _read(f"{task}/children").split())


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _link(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except OSError:
        return None


def _process(pid: int) -> psutil.Process | None:
    import psutil

    try:
        return psutil.Process(pid)
    except (psutil.Error, OSError, ValueError):
        return None


def _ask(pid: int, method: str, kind: Callable[[Any], T]) -> T | None:
    import psutil

    process = _process(pid)
    try:
        return kind(getattr(process, method)()) if process else None
    except (psutil.Error, OSError):
        return None


def _descendants_by_psutil(pid: int) -> list[int]:
    import psutil

    process = _process(pid)
    try:
        return [child.pid for child in process.children(recursive=True)] if process else []
    except (psutil.Error, OSError):
        return []


def _alive_by_psutil(pid: int) -> bool:
    import psutil

    return _ask(pid, "status", str) not in (None, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
