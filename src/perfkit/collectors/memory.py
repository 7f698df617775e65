"""Memory from outside: resident bytes of every process at each poll, what it shares now and then, the pages that it was given, and
a stack whenever much is taken at once.

The stack of the moment names the line that takes the memory, which no account made afterwards does: what is freed again
leaves no trace, and what stays is often allocated far from the line that keeps it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perfkit.collectors.follow import Follow
from perfkit.collectors.interface import Context
from perfkit.collectors.pyspy_window import find_pyspy
from perfkit.model.memory import MemoryUse, Rise
from perfkit.model.recording import Frame, Gap, Process, Stack

EVERY = 0.2
PSS_EVERY = 1.0
# Reading it walks the page tables of the process, which waits meanwhile for memory that it asks for: of many gigabytes that takes
# as long as a request. The next one comes so many times later.
_PSS_SHARE = 100
RISE = 16 << 20
WITHIN = 0.3
"""Seconds: a process that takes RISE bytes in this time is asked what it does."""
_MOST_DUMPS = 200
# Each look at a process is followed by a longer pause: the first ones tell most.
_PAUSE = 0.02
_ATTEMPTS = 3
# Seconds in which an interpreter takes memory for itself, and has no stack yet.
_STARTING = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
# Places in /proc/PID/stat behind the command's name: pages given without reading a disk, and the kernel's clock ticks.
_FAULTS, _SYSTEM = 7, 12


@dataclass
class _Dump:
    """A look at a process's stacks under way."""

    process: Process
    before: int
    rss: int
    at: float
    running: subprocess.Popen[bytes]
    out: Path
    attempt: int = 1


@dataclass
class _Watched:
    recent: deque[tuple[float, int]] = field(default_factory=deque)
    next_row: float = 0.0
    next_pss: float = 0.0
    # Resident bytes from which on another look is worth it.
    ask_from: int = 0
    asked: int = 0
    not_before: float = 0.0


class MemoryCollector:
    """Readings five times a second and where a peak is; one look at stacks for each RISE bytes of a jump."""

    def __init__(self, context: Context, follow: Follow) -> None:
        self._context = context
        self._follow = follow
        self._watched: dict[int, _Watched] = {}
        self._dumps: list[_Dump] = []
        self._asked = self._failed = 0

    def poll(self) -> None:
        now = self._context.clock()
        rows: list[MemoryUse] = []
        for process in self._follow.alive:
            rss = _rss(process.pid)
            if rss is not None:
                rows += self._look(process, rss, now)
        self._context.sink.memory(rows)
        self._take_dumps()

    def stop(self) -> None:
        for dump in self._dumps:
            try:
                dump.running.wait(1.0)
            except subprocess.TimeoutExpired:
                dump.running.kill()
                dump.running.wait()
        self._take_dumps(last=True)
        now = self._context.clock()
        alive = [(process, _rss(process.pid)) for process in self._follow.alive]
        self._context.sink.memory([_use(process, rss, now, True) for process, rss in alive if rss is not None])
        if self._failed:
            self._context.sink.gap(
                Gap(
                    f"what {self._failed} of {self._asked} jumps of memory were for",
                    "the stacks could not be read in time: the process had gone on, or ended",
                    "measure again; memory that is taken and given back within 50 ms stays unseen",
                )
            )

    def _look(self, process: Process, rss: int, now: float) -> list[MemoryUse]:
        watched = self._watched.setdefault(process.id, _Watched())
        recent = watched.recent
        while recent and recent[0][0] < now - WITHIN:
            recent.popleft()
        least = min((bytes_ for _, bytes_ in recent), default=rss)
        highest = max((bytes_ for _, bytes_ in recent), default=0)
        recent.append((now, rss))
        if rss < least + RISE:
            watched.ask_from = 0
        elif rss >= watched.ask_from and now >= watched.not_before:
            watched.ask_from = rss + RISE
            watched.asked += 1
            watched.not_before = now + _PAUSE * watched.asked
            self._ask(process, least, rss, now)
        if now < watched.next_row and rss < highest + RISE // 4:
            return []
        watched.next_row = now + EVERY
        if now < watched.next_pss:
            return [_use(process, rss, now, False)]
        begun = time.perf_counter()
        row = _use(process, rss, now, True)
        watched.next_pss = now + max(PSS_EVERY, _PSS_SHARE * (time.perf_counter() - begun))
        return [row]

    def _ask(self, process: Process, before: int, rss: int, now: float, attempt: int = 1) -> None:
        if self._asked >= _MOST_DUMPS or any(dump.process is process for dump in self._dumps):
            return
        self._asked += attempt == 1 and now > process.started + _STARTING
        out = Path(self._context.spool, f"{process.pid}-{now:.3f}-{attempt}.dump")
        words = [find_pyspy(), "dump", "--pid", str(process.pid), "--full-filenames", "--json"]
        with out.open("wb") as file:
            running = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL, start_new_session=True
            )
        self._dumps.append(_Dump(process, before, rss, now, running, out, attempt))

    def _take_dumps(self, last: bool = False) -> None:
        ended = [dump for dump in self._dumps if dump.running.poll() is not None]
        if not ended:
            return
        self._dumps = [dump for dump in self._dumps if dump not in ended]
        rises = []
        for dump in ended:
            found = self._stack(dump)
            dump.out.unlink(missing_ok=True)
            if found is not None:
                thread, stack = found
                rss = _rss(dump.process.pid) or dump.rss
                rises.append(
                    Rise(
                        dump.at,
                        dump.process.id,
                        dump.before,
                        max(rss, dump.rss),
                        thread,
                        self._context.sink.intern(stack),
                    )
                )
            elif dump.attempt < _ATTEMPTS and not last:  # the sampler held the process at that moment
                self._ask(dump.process, dump.before, dump.rss, dump.at, dump.attempt + 1)
            elif dump.at > dump.process.started + _STARTING:
                self._failed += 1
        self._context.sink.rises(rises)

    def _stack(self, dump: _Dump) -> tuple[str, Stack] | None:
        """Of the thread that runs: the one that has the interpreter lock, else the deepest that is active."""
        try:
            threads: list[dict[str, Any]] = json.loads(dump.out.read_bytes() or b"[]")
            busy = [thread for thread in threads if thread["active"] and thread["frames"]]
            if not busy:
                return None
            thread = max(busy, key=lambda one: (one["owns_gil"], len(one["frames"])))
            return str(thread["thread_name"] or ""), self._frames(dump.process, thread["frames"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _frames(self, process: Process, frames: Sequence[dict[str, Any]]) -> Stack:
        found = []
        for frame in reversed(frames):
            file = self._context.local_path(str(frame["filename"]), process.cwd)
            found.append(Frame(str(frame["name"]), file, int(frame["line"]), self._context.origins.of(file)))
        return tuple(found)


def _rss(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return None


def _use(process: Process, rss: int, now: float, with_shares: bool) -> MemoryUse:
    shares = _shares(process.pid) if with_shares else (None, None)
    return MemoryUse(now, process.id, rss, *shares, *_work(process.pid))


def _shares(pid: int) -> tuple[int | None, int | None]:
    """PSS, and the bytes that it shares with nobody."""
    pss, private = None, None
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    pss = int(line.split()[1]) * 1024
                elif line.startswith("Private_"):
                    private = (private or 0) + int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None, None
    return pss, private


def _work(pid: int) -> tuple[int | None, float | None]:
    """Bytes of the pages that it was given, and the seconds that the kernel worked for it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[_FAULTS]) * _PAGE, int(fields[_SYSTEM]) / _TICKS
    except (OSError, ValueError, IndexError):
        return None, None
