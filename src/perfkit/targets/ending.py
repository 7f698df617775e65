"""Waiting for the end of a process without asking for it again and again."""

from __future__ import annotations

import os
import select
import time
from types import TracebackType


class Ending:
    """`wait` sleeps, and wakes up early where the process ends meanwhile. Where the kernel does not tell (before Linux 5.3,
    macOS), and when it has told, it sleeps no longer than `LONGEST_BLIND` seconds: who waits asks in between."""

    LONGEST_BLIND = 0.02

    def __init__(self, pid: int) -> None:
        self._file: int | None = None
        if hasattr(os, "pidfd_open"):
            try:
                self._file = os.pidfd_open(pid)
            except OSError:  # it is gone, or a container's seccomp profile knows no such call
                return
            self._poll = select.poll()
            self._poll.register(self._file, select.POLLIN)

    def wait(self, seconds: float) -> None:
        if self._file is None:
            time.sleep(min(seconds, self.LONGEST_BLIND))
        elif self._poll.poll(seconds * 1000):
            self._close()

    def __enter__(self) -> Ending:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
