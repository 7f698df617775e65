"""Bringing the probe into processes that run already, one thread for each, beside the run's loop; and seeing it leave again.

What it does there stands in `attach-1.json` in the spool: it leaves when that is gone, within two seconds when perfkit is killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from perfkit.collectors.follow import Follow
from perfkit.collectors.injection import Refused, inject
from perfkit.collectors.interface import Context
from perfkit.collectors.wishes import write_wish
from perfkit.model.recording import Gap, Process
from perfkit.shared import processes

_LAST_WORDS = 1.0
# The folder is on the path for this import alone: what the package loads later it finds by itself. `threading` takes the thread
# that imports it first for the main one, for which the interpreter waits at its end: that must not be a thread of ours.
_SOURCE = """\
import sys
import threading
sys.path.append({folder!r})
try:
    from perfkit_probe import attached
finally:
    sys.path.remove({folder!r})
attached.begin({spool!r})
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What the probe does inside. Without `probe` it only counts what it is told to. `project` are folders, as the target has them."""

    probe: bool
    project: tuple[str, ...] = ()
    keep_literals: bool = False
    memory: bool = False


class Entering:
    """A collector that collects nothing itself: what comes of it is in the spool."""

    def __init__(
        self,
        context: Context,
        follow: Follow,
        folder: str,
        order: Order,
        inject_into: Callable[..., object] = inject,
    ) -> None:
        """`folder` holds the probe."""
        self.refused: dict[int, Gap] = {}
        self._context, self._follow = context, follow
        self._folder = folder
        self._inject = inject_into
        self._threads: dict[int, Thread] = {}
        self._inside: set[int] = set()
        self._what = "requests, routes and statements" if order.probe else "what was to be counted"
        self._written = write_wish(
            context.spool,
            "attach",
            probe=order.probe,
            project=order.project,
            literals=order.keep_literals,
            memory=order.memory,
        )

    def poll(self) -> None:
        for process in self._follow.alive:
            if process.id not in self._threads:
                thread = self._threads[process.id] = Thread(target=self._enter, args=(process,), daemon=True)
                thread.start()

    def stop(self) -> None:
        """Let it leave, and wait until it has."""
        until = time.monotonic() + _LAST_WORDS
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        self._written.unlink(missing_ok=True)
        left = Path(self._context.spool)
        until = time.monotonic() + _LAST_WORDS
        while time.monotonic() < until and any(
            processes.alive(pid) and not (left / f"left-{pid}").exists() for pid in tuple(self._inside)
        ):
            time.sleep(0.02)

    def take_last_words(self) -> None:
        """Why it could not get into some."""
        for gap in tuple(self.refused.values()):
            self._context.sink.gap(gap)

    def _enter(self, process: Process) -> None:
        pid, what = process.pid, f"{self._what} of process {process.pid}"
        spool = self._context.spool
        if not self._sees_us(pid):
            why = "it is in a container, which does not see perfkit's files"
            self.refused[process.id] = Gap(what, why, "install perfkit in the container, and attach there")
            return
        try:
            self._inject(pid, _SOURCE.format(folder=self._folder, spool=spool), spool=spool)
            self._inside.add(pid)
        except Refused as refusal:
            self.refused[process.id] = Gap(what, refusal.gap.why, refusal.gap.remedy)

    def _sees_us(self, pid: int) -> bool:
        try:
            paths = (self._folder, self._context.spool)
            return all(os.path.samefile(path, f"/proc/{pid}/root{path}") for path in paths)
        except OSError:
            return not os.path.exists(f"/proc/{pid}")  # it has ended, which is said better elsewhere
