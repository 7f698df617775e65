"""Bringing the probe's part that counts lines into processes that run already, one thread for each, beside the run's loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread

from perfkit.collectors.injection import Refused, inject
from perfkit.model.memory import NO_LINES
from perfkit.model.recording import Gap, Process

# The folder is on the path for this import alone: what the package loads later it finds by itself. `threading` takes the thread
# that imports it first for the main one, for which the interpreter waits at its end: that must not be a thread of ours.
_SOURCE = """\
import sys
import threading
sys.path.append({folder!r})
try:
    from perfkit_probe import zoom_watch
finally:
    sys.path.remove({folder!r})
zoom_watch.watch({spool!r})
"""


class Entering:
    """`into` returns at once; `refusals` tells what could not be, when `wait` is over."""

    def __init__(self, folder: str, spool: str, inject_into: Callable[..., object] = inject) -> None:
        """`folder` holds the probe."""
        self.refusals: list[Gap] = []
        self._folder, self._spool = folder, spool
        self._inject = inject_into
        self._threads: dict[int, Thread] = {}

    def into(self, process: Process) -> None:
        """Once for each process."""
        if process.id not in self._threads:
            thread = self._threads[process.id] = Thread(target=self._enter, args=(process.pid,), daemon=True)
            thread.start()

    def wait(self, seconds: float) -> None:
        for thread in self._threads.values():
            thread.join(seconds)

    def _enter(self, pid: int) -> None:
        what = f"{NO_LINES} of process {pid}"
        if not self._sees_us(pid):
            why = "it is in a container, which does not see perfkit's files"
            self.refusals.append(Gap(what, why, "install perfkit in the container, and attach there"))
            return
        try:
            self._inject(pid, _SOURCE.format(folder=self._folder, spool=self._spool), spool=self._spool)
        except Refused as refusal:
            self.refusals.append(Gap(what, refusal.gap.why, refusal.gap.remedy))

    def _sees_us(self, pid: int) -> bool:
        try:
            return all(os.path.samefile(path, f"/proc/{pid}/root{path}") for path in (self._folder, self._spool))
        except OSError:
            return not os.path.exists(f"/proc/{pid}")  # it has ended, which is said better elsewhere
