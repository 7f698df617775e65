"""A process by its number: `811` comes in; a RunningProcess goes out, or the reason why it cannot be attached to.

`admit` is the door for the other resolvers as well: whatever way a process was found, it is refused here.
"""

from __future__ import annotations

import os
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.model.target import RunningProcess
from perfkit.shared import processes
from perfkit.shared.privileges import may_read, reading_remedies
from perfkit.targets import words

_PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


class ByPid:
    def accepts(self, text: str) -> bool:
        return text.isascii() and text.isdigit()

    def resolve(self, text: str) -> RunningProcess:
        return admit(int(text))


def admit(pid: int, found: str = "") -> RunningProcess:
    """The process, fit to be sampled. `found` is added to its description: `listens on :8000`."""
    if not processes.alive(pid):
        raise PerfkitError(f"no process {pid} is running.", "perfkit attach :PORT or perfkit attach NAME finds it")
    if pid in ours():
        raise PerfkitError(f"process {pid} is perfkit itself, or what started it.", "give the pid of the application")
    argv = processes.command_line(pid)
    python = processes.python_of(pid)
    readable = may_read(pid)
    if python is None and (readable or not argv):
        raise _not_python(pid, argv)
    if not readable:
        raise _refused(pid, argv)
    if processes.is_free_threaded(pid):
        raise PerfkitError(
            f"process {pid} runs free-threaded Python {python}t, which py-spy cannot read.",
            f"run it with the ordinary build of Python {python} to measure it",
        )
    where = f"pid {pid}, {found}" if found else f"pid {pid}"
    return RunningProcess(pid, f"{words.short(argv) or 'python'} ({where})", processes.cwd(pid))


def ours() -> set[int]:
    """perfkit and everything above it: stopping to read one of these would stop perfkit."""
    return {os.getpid(), *processes.ancestors(os.getpid())}


def _not_python(pid: int, argv: list[str]) -> PerfkitError:
    below = [child for child in processes.descendants(pid) if processes.python_of(child) is not None]
    hint = "perfkit measures Python; give the pid of a Python process"
    if below:
        hint = f"it started {words.short(processes.command_line(below[0])) or 'Python'}: perfkit attach {below[0]}"
    return PerfkitError(f"process {pid} ({words.short(argv) or 'without a command line'}) is not Python.", hint)


def _refused(pid: int, argv: list[str]) -> PerfkitError:
    import pwd

    try:
        me = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        me = str(os.geteuid())
    lines = [f"not allowed to read process {pid} (owner {processes.owner(pid) or 'unknown'}, you are {me})."]
    scope = _ptrace_scope()
    if scope == 1:
        lines.append("kernel.yama.ptrace_scope is 1, so only a parent process may attach.")
    elif scope == 2:
        lines.append("kernel.yama.ptrace_scope is 2, so only root may attach.")
    elif scope >= 3:
        lines.append(f"kernel.yama.ptrace_scope is {scope}, so nobody may attach until the machine is started again.")
    start = f"start it under perfkit:  perfkit run -- {words.spoken(argv)}"
    first, *others = (*reading_remedies(f"sudo perfkit attach {pid}"), start)
    return PerfkitError("\n".join(lines), "\n".join([f"either:  {first}", *(f"or:      {one}" for one in others)]))


def _ptrace_scope() -> int:
    """0 where the kernel has no such limit."""
    try:
        return int(_PTRACE_SCOPE.read_text())
    except (OSError, ValueError):
        return 0
