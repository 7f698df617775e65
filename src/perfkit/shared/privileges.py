"""What the kernel lets this process do to others, and the exact words that would make it allow more.

Nothing here raises: what cannot be read is taken as not there.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Literal

CAP_SYS_PTRACE = 19  # linux/capability.h
_STATUS = Path("/proc/self/status")

Container = Literal["docker", "kubernetes"]


def may_read(pid: int) -> bool:
    """Whether the kernel lets us read its memory, by asking it: the check is the one that py-spy will meet."""
    if not sys.platform.startswith("linux"):
        return os.geteuid() == 0
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
    except OSError:
        return False
    return True


def may_trace_all() -> bool:
    """CAP_SYS_PTRACE in the effective set. Root in a container usually lacks it."""
    if not sys.platform.startswith("linux"):
        return os.geteuid() == 0
    return bool(int(_status("CapEff") or "0", 16) >> CAP_SYS_PTRACE & 1)


def seccomp_filters() -> bool:
    """Whether a filter decides about our system calls, as a container runtime sets one (seccomp(2): mode 2)."""
    return _status("Seccomp") == "2"


def container() -> Container | None:
    """The kind of container that we are in: anything that is not Kubernetes takes docker's options."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    return "docker" if any(mark.exists() for mark in marks) else None


def reading_remedies(sudo: str) -> tuple[str, ...]:
    """How to be allowed to read a process: in a container by its settings, elsewhere by the command `sudo`."""
    docker = "docker run --cap-add SYS_PTRACE …"
    if container() == "kubernetes":
        return ('securityContext.capabilities.add: ["SYS_PTRACE"]',)
    if os.geteuid() == 0:
        return (docker, 'kubernetes: securityContext.capabilities.add: ["SYS_PTRACE"]')
    return (sudo, docker) if container() else (sudo,)


def _status(field: str) -> str | None:
    try:
        found = re.search(rf"^{field}:\s*(\w+)", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1] if found else None
