"""Whether the kernel's Yama module restricts who may read a process (Documentation/admin-guide/LSM/Yama.rst)."""

from __future__ import annotations

import os
from pathlib import Path

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


def ptrace_scope() -> int | None:
    """0 anyone of the same user, 1 ancestors and named readers, 2 administrators, 3 nobody; None without Yama."""
    try:
        return int(SCOPE.read_text())
    except (OSError, ValueError):
        return None


def ptrace_is_restricted() -> bool:
    """Whether an ordinary user must be named by a process before he may read it."""
    return (ptrace_scope() or 0) >= 1 and os.geteuid() != 0
