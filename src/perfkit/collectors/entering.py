"""Bringing the probe into processes that run already, one thread for each, beside the run's loop; and seeing it leave again.

What it does there stands in `attach-1.json` in the spool: it leaves when that is gone, within two seconds when perfkit is killed.
A process that does not see our files (a container's, another user's) gets a copy of the probe and a spool of its own: `lodging`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock, Thread

from perfkit.collectors.follow import Follow
from perfkit.collectors.injection import Refused, inject
from perfkit.collectors.injection.interface import Subject, refused
from perfkit.collectors.injection.preconditions import examine, inner_pid
from perfkit.collectors.injection.private_folder import reaches
from perfkit.collectors.interface import Context
from perfkit.collectors.lodging import Lodging
from perfkit.collectors.wishes import write_wish
from perfkit.model.recording import Gap, Process
from perfkit.shared import processes

_LAST_WORDS = 1.0
# A lodging is given up when nobody is in it any more; a last look at tracemalloc takes seconds.
_LEAVE_LODGINGS = 10.0
_CARRY_EVERY = 0.1
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
    sys.path_importer_cache.pop({folder!r}, None)
attached.begin({spool!r})
"""
# A copy that was there before is gone: what is loaded of it finds the rest in this one.
_SOURCE_IN_A_LODGING = (
    """\
import sys
known = sys.modules.get("perfkit_probe")
if known is not None:
    for place in known.__path__:
        sys.path_importer_cache.pop(place, None)
    known.__path__[:] = [{folder!r} + "/perfkit_probe"]
"""
    + _SOURCE
)


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
        self._lodgings: dict[tuple[str, int], Lodging] = {}
        self._making = Lock()
        self._closed = False
        # By PID namespace and the number there.
        self._outer: dict[tuple[str, int], int] = {}
        self._next = 0.0
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
        if self._context.clock() >= self._next:
            self._next = self._context.clock() + _CARRY_EVERY
            self._carry()

    def _carry(self) -> bool:
        """Whether there may be more."""
        spool, more = self._context.spool, False
        for (there, _), lodging in tuple(self._lodgings.items()):
            lodging.carry_in(spool)
            more |= lodging.carry_out(spool, partial(self._outside, there))
        return more

    def stop(self) -> None:
        """Let it leave, and wait until it has."""
        until = time.monotonic() + _LAST_WORDS
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        self._written.unlink(missing_ok=True)
        left = Path(self._context.spool)
        until = time.monotonic() + (_LEAVE_LODGINGS if self._lodgings else _LAST_WORDS)
        self._carry()
        while time.monotonic() < until and any(
            processes.alive(pid) and not (left / f"left-{pid}").exists() for pid in tuple(self._inside)
        ):
            time.sleep(0.02)
            self._carry()
        while self._carry():
            pass
        with self._making:
            for lodging in self._lodgings.values():
                lodging.remove()
            self._lodgings.clear()
            self._closed = True

    def take_last_words(self) -> None:
        """Why it could not get into some."""
        for gap in tuple(self.refused.values()):
            self._context.sink.gap(gap)

    def _enter(self, process: Process) -> None:
        pid, what = process.pid, f"{self._what} of process {process.pid}"
        spool = self._context.spool
        try:
            subject = examine(pid)
            self._outer[_namespace(pid, "pid"), subject.inner_pid] = pid
            if self._sees_us(subject):
                source = _SOURCE.format(folder=self._folder, spool=spool)
            else:
                lodging = self._lodging(subject)
                source = _SOURCE_IN_A_LODGING.format(folder=lodging.probe, spool=lodging.spool)
            self._inject(pid, source, spool=spool)
            self._inside.add(pid)
        except Refused as refusal:
            self.refused[process.id] = Gap(what, refusal.gap.why, refusal.gap.remedy)

    def _sees_us(self, subject: Subject) -> bool:
        """Our files, under the same names, and our process."""
        package, spool = f"{self._folder}/perfkit_probe", self._context.spool
        return (
            _namespace(subject.pid, "pid") == _namespace(os.getpid(), "pid")
            and reaches(subject, package, 0o5)
            and reaches(subject, f"{package}/attached.py", 0o4)
            and reaches(subject, spool, 0o7)
        )

    def _lodging(self, subject: Subject) -> Lodging:
        """Its own user's, or that of root there, whose children it may be."""
        there = f"{_namespace(subject.pid, 'pid')} {_namespace(subject.pid, 'mnt')} {_root(subject.pid)}"
        if _namespace(subject.pid, "time") != _namespace(os.getpid(), "time"):
            why = "it is in a time namespace of its own: its clock is not ours"
            raise refused(subject.pid, why, "install perfkit in its container, and attach there")
        with self._making:
            if self._closed:
                raise refused(subject.pid, "measuring ended before the probe was in it", "measure for longer")
            for user in (0, subject.user):
                if (there, user) in self._lodgings:
                    return self._lodgings[there, user]
            lodging = Lodging(subject, self._folder, self._lodgings.values())
            lodging.carry_in(self._context.spool)
            self._lodgings[there, subject.user] = lodging
            return lodging

    def _outside(self, there: str, pid: int) -> int:
        """Our number of a process that has `pid` in a PID namespace; a child that came and went unseen keeps its own."""
        namespace = there.split()[0]
        for one in (self._context.root_pid, *processes.descendants(self._context.root_pid)):
            with suppress(Refused):
                if _namespace(one, "pid") == namespace and inner_pid(one) == pid:
                    return one
        return self._outer.get((namespace, pid), pid)


def _namespace(pid: int, kind: str) -> str:
    """Its name, "" where that is not told."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return ""


def _root(pid: int) -> str:
    """Of all that it sees of file systems."""
    try:
        status = os.stat(f"/proc/{pid}/root")
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"
