"""What can be measured on this machine: nothing comes in; checks go out, each made by doing the thing it speaks of."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator

from perfkit.collectors.checkup_probe import probe
from perfkit.collectors.pyspy_window import find_pyspy
from perfkit.collectors.schedstat import read_thread
from perfkit.collectors.system import read_throttling, throttle_file
from perfkit.collectors.trial import busy_child, sample
from perfkit.errors import PerfkitError
from perfkit.shared import privileges
from perfkit.shared.diagnosis import Check
from perfkit.shared.yama import ptrace_scope

_LINUX = sys.platform.startswith("linux")


def machine(probe_folder: str) -> Iterator[Check]:
    """Checks in the order in which a user needs them: sampling first."""
    yield sampling(probe_folder)
    yield probe(sys.executable, probe_folder)
    yield attaching()
    yield _scheduling()
    yield _memory()
    yield _throttling()


def sampling(probe_folder: str) -> Check:
    """Takes samples of a child, the way `perfkit run` does it."""
    try:
        version = _pyspy_version()
        with busy_child(probe_folder) as pid:
            trial = sample(pid)
    except (PerfkitError, OSError, subprocess.SubprocessError) as error:
        hint = error.hint if isinstance(error, PerfkitError) else "pip install --force-reinstall py-spy"
        return Check("miss", f"sampling: {error}", (hint,), needed=True)
    python = platform.python_version()
    if not trial.looks:
        why = trial.failure or "no sample came"
        return Check("miss", f"sampling: {version} on a child Python {python}: {why}", _sampling_remedies(), True)
    user = "as root" if os.geteuid() == 0 else "without root"
    text = f"sampling: {version} took {trial.looks} looks in {trial.seconds:.1f} s at a child Python {python}"
    return Check("ok", f"{text}; `perfkit run` works {user}")


def _pyspy_version() -> str:
    """`py-spy 0.4.3`."""
    done = subprocess.run([find_pyspy(), "--version"], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def _sampling_remedies() -> tuple[str, ...]:
    if (ptrace_scope() or 0) >= 2:
        return ("sudo sysctl kernel.yama.ptrace_scope=1",)
    return privileges.reading_remedies("sudo perfkit run -- COMMAND")


def attaching() -> Check:
    """Whether processes that were started by others may be read."""
    if not _LINUX:
        root = os.geteuid() == 0
        return Check("ok" if root else "warn", "attach: this system allows it to root alone", () if root else _SUDO)
    scope = ptrace_scope()
    yama = "no ptrace_scope" if scope is None else f"ptrace_scope={scope}"
    facts = f"uid {os.geteuid()}, {yama}, {'seccomp filter' if privileges.seccomp_filters() else 'no seccomp filter'}"
    if scope is not None and scope >= 3:
        return Check("miss", f"attach: nobody may, until a restart with a lower value ({facts})", _LOWER)
    if privileges.may_trace_all():
        return Check("ok", f"attach: any process can be read, by CAP_SYS_PTRACE ({facts})")
    if scope == 1:
        return Check("warn", f"attach: needs root; `perfkit run` works ({facts})", (*_remedies(), _SYSCTL))
    if scope == 2:
        return Check("warn", f"attach: needs root ({facts})", _remedies())
    if os.geteuid() == 0:
        return Check("warn", f"attach: only root's processes, CAP_SYS_PTRACE is missing ({facts})", _remedies())
    return Check("ok", f"attach: your own processes; those of other users need sudo ({facts})")


_SUDO = ("sudo perfkit attach TARGET",)
_SYSCTL = "sudo sysctl kernel.yama.ptrace_scope=0"
_LOWER = ("kernel.yama.ptrace_scope=1 in /etc/sysctl.d/10-ptrace.conf, then restart the machine",)


def _remedies() -> tuple[str, ...]:
    return privileges.reading_remedies(*_SUDO)


def _scheduling() -> Check:
    if read_thread(os.getpid(), str(os.getpid())):
        return Check("ok", "CPU and run-queue time of each thread can be read (schedstat)")
    why = "this kernel was built without CONFIG_SCHED_INFO" if _LINUX else "this system has no schedstat"
    return Check("miss", f"CPU time per thread: {why}; sampled shares cannot be held against it")


def _memory() -> Check:
    try:
        with open("/proc/self/smaps_rollup") as file:
            readable = "Pss:" in file.read()
    except OSError:
        readable = False
    if readable:
        return Check("ok", "memory: RSS and PSS can be read")
    return Check("miss", "memory: RSS alone, PSS is not readable; what workers share is counted in each of them")


def _throttling() -> Check:
    file = throttle_file(os.getpid())
    found = read_throttling(file)
    if found is None:
        return Check("ok", "CPU throttling: no control group with an account of it limits this shell")
    seconds, throttled, periods = found
    if not periods:
        return Check("ok", f"CPU throttling can be read: no quota is set ({file})")
    return Check("ok", f"CPU throttling can be read: {seconds:.1f} s in {throttled} of {periods} periods ({file})")
