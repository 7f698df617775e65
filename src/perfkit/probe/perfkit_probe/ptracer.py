"""Under Yama's ptrace_scope 1 only ancestors may read a process, unless it names another: perfkit and its descendants.

A kernel without Yama answers EINVAL, which is ignored: there everything of the same user may be read anyway.
"""

from __future__ import annotations

import ctypes
import os

PR_SET_PTRACER = 0x59616D61


def permit(reader: int) -> None:
    """Name the process `reader` now, and again in every fork, which does not inherit it (Yama.rst)."""
    libc = ctypes.CDLL(None)

    def name() -> None:
        libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(reader), 0, 0, 0)

    name()
    os.register_at_fork(after_in_child=name)
