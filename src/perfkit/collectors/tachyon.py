"""The target's own sampler, which Python brings along from 3.15 on (`profiling.sampling`), launched from outside.

It has to be the same minor version as what it looks at, so it is the target's interpreter that runs it, once for each process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from perfkit.collectors.interface import Context, Followed
from perfkit.collectors.schedstat import Reading, read_threads
from perfkit.collectors.tachyon_files import Look, Raw, ReplayError, last_words, looks
from perfkit.model.recording import Frame, Gap, Process, Sample, Thread, ThreadUsage, Window
from perfkit.shared.yama import ptrace_is_restricted

WINDOW = 1.0
MOST_PROCESSES = 8
_ATTEMPTS = 5
_LAST_WORDS = 5.0
# It ends with what it has when perfkit ends (1 is PR_SET_PDEATHSIG, 2 SIGINT), wherever that can be asked for.
_BEGIN = """\
import runpy, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 2)
except Exception:
    pass
sys.argv[0] = "profiling.sampling"
runpy.run_module("profiling.sampling", run_name="__main__", alter_sys=True)
"""


@dataclass
class Sampled:
    """One process: its sampler, and what the kernel accounted to its threads at each reading."""

    process: Process
    python: str
    out: Path
    running: subprocess.Popen[bytes] | None = None
    attempts: int = 0
    ended: float = 0.0
    readings: list[tuple[float, Reading]] = field(default_factory=list)

    @property
    def said(self) -> Path:
        return self.out.with_suffix(".said")


class TachyonEngine:
    """Wall samples of all threads. Rows come at the end: the sampler writes when it ends."""

    def __init__(self, context: Context, follow: Followed) -> None:
        self._context = context
        self._follow = follow
        self._sampled: dict[int, Sampled] = {}
        self._refused: set[int] = set()
        self._windows = 0
        self._threads: dict[tuple[int, int], Thread] = {}
        self._frames: dict[tuple[int, Raw], Frame] = {}
        self.cpu = 0.0
        self.measured = 0
        self.stack_seconds: defaultdict[int, float] = defaultdict(float)

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        """As for py-spy: where only ancestors may read a process, it has to name perfkit."""
        return {"PERFKIT_PTRACER": str(perfkit_pid)} if ptrace_is_restricted() else {}

    def poll(self) -> None:
        now = self._context.clock()
        for process in self._follow.alive:
            if process.id not in self._sampled and process.id not in self._refused:
                self._meet(process)
        for sampled in self._sampled.values():
            if sampled.running is None:
                continue
            if self._ended(sampled):
                self._again(sampled)
            elif now >= sampled.readings[-1][0] + WINDOW:
                sampled.readings.append((now, read_threads(sampled.process.pid)))

    def stop(self) -> None:
        for sampled in self._sampled.values():
            if sampled.running is not None:
                sampled.readings.append((self._context.clock(), read_threads(sampled.process.pid)))
                sampled.running.send_signal(signal.SIGINT)
        limit = time.monotonic() + _LAST_WORDS
        for sampled in self._sampled.values():
            while not self._ended(sampled):
                if time.monotonic() > limit and sampled.running is not None:
                    sampled.running.kill()
                time.sleep(0.01)

    def finish(self) -> None:
        for sampled in self._sampled.values():
            try:
                if not sampled.out.exists():
                    said = sampled.said.read_text(encoding="utf-8", errors="replace") if sampled.said.exists() else ""
                    raise ReplayError(last_words(said))
                self._write(sampled, list(looks(sampled.python, sampled.out)))
            except ReplayError as error:
                what = f"samples of process {sampled.process.pid}"
                self._context.sink.gap(Gap(what, str(error), f"perfkit doctor --pid {sampled.process.pid}"))
        self._context.sink.commit()

    def _meet(self, process: Process) -> None:
        pid, version = process.pid, process.python or ""
        python = ""
        with suppress(OSError):
            python = os.readlink(f"/proc/{pid}/exe")
        if not _is_new_enough(version):
            self._refuse(
                process, f"it runs Python {version or 'of unknown version'}, and tachyon comes with Python 3.15"
            )
        elif not python:
            self._refuse(process, "its interpreter cannot be found (tachyon is followed on Linux)")
        elif len(self._sampled) >= MOST_PROCESSES:
            self._refuse(process, f"tachyon follows the first {MOST_PROCESSES} processes")
        else:
            sampled = Sampled(process, python, Path(self._context.spool, f"tachyon-{pid}.bin"))
            self._sampled[process.id] = sampled
            self._start(sampled)

    def _refuse(self, process: Process, why: str) -> None:
        self._refused.add(process.id)
        remedy = "leave out --engine: py-spy samples Python 3.9 and later"
        self._context.sink.gap(Gap(f"samples of process {process.pid} by tachyon", why, remedy))

    def _start(self, sampled: Sampled) -> None:
        words = [sampled.python, "-I", "-c", _BEGIN, "attach", "--all-threads", "--binary", "-o", str(sampled.out)]
        words += ["--sampling-rate", str(round(self._context.rate)), str(sampled.process.pid)]
        sampled.attempts += 1
        sampled.readings = [(self._context.clock(), read_threads(sampled.process.pid))]
        with sampled.said.open("wb") as said:
            sampled.running = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )

    def _again(self, sampled: Sampled) -> None:
        """An interpreter that is still to set itself up cannot be looked at yet."""
        if not sampled.out.exists() and sampled.attempts < _ATTEMPTS and sampled.process in self._follow.alive:
            self._start(sampled)

    def _ended(self, sampled: Sampled) -> bool:
        if sampled.running is None:
            return True
        pid, status, usage = os.wait4(sampled.running.pid, os.WNOHANG)
        if pid == 0:
            return False
        sampled.running.returncode = os.waitstatus_to_exitcode(status)
        sampled.running = None
        sampled.ended = self._context.clock()
        self.cpu += usage.ru_utime + usage.ru_stime
        return True

    def _write(self, sampled: Sampled, seen: list[Look]) -> None:
        """Windows from one reading of the kernel's account to the next; each look stands for its part of a window."""
        # When the first look was is not told; the last one was when the sampler ended.
        begin = sampled.ended - max((look.at for look in seen), default=0.0)
        edges = [at for at, _ in sampled.readings]
        windows: defaultdict[int, list[Look]] = defaultdict(list)
        for look in seen:
            windows[min(max(0, bisect_right(edges, begin + look.at) - 1), max(0, len(edges) - 2))].append(look)
        for number, found in sorted(windows.items()):
            self._window(sampled, number, found, begin)

    def _window(self, sampled: Sampled, number: int, found: list[Look], begin: float) -> None:
        rounds = len({look.at for look in found})
        first, last = begin + min(look.at for look in found), begin + max(look.at for look in found)
        each = (last - first) / (rounds - 1) if rounds > 1 else 1 / self._context.rate
        self._windows += 1
        counts: Counter[tuple[Thread, tuple[Raw, ...]]] = Counter(
            (self._thread(sampled, look.tid), look.stack) for look in found
        )
        rows = [
            Sample(self._windows, thread.id, self._intern(sampled, stack), n, n * each)
            for (thread, stack), n in counts.items()
        ]
        for row in rows:
            self.stack_seconds[row.stack] += row.seconds
            self.measured += row.n
        record = Window(
            self._windows, sampled.process.id, "wall", first, rounds * each, self._context.rate, rounds, 0, 0
        )
        threads = {thread for thread, _ in counts}
        self._context.sink.window(record, rows, self._usage(sampled, number, threads))

    def _usage(self, sampled: Sampled, number: int, threads: set[Thread]) -> list[ThreadUsage]:
        if number + 1 >= len(sampled.readings):
            return []
        (_, before), (_, after) = sampled.readings[number : number + 2]
        found = []
        for thread in threads:
            if thread.tid in after:
                cpu, runqueue = after[thread.tid]
                cpu_before, runqueue_before = before.get(thread.tid, (0.0, 0.0))
                found.append(ThreadUsage(self._windows, thread.id, cpu - cpu_before, runqueue - runqueue_before))
        return found

    def _thread(self, sampled: Sampled, tid: int) -> Thread:
        thread = self._threads.get((sampled.process.id, tid))
        if thread is None:
            name = "MainThread" if tid == sampled.process.pid else f"thread {tid}"
            thread = Thread(len(self._threads) + 1, sampled.process.id, tid, name)
            self._threads[sampled.process.id, tid] = thread
            self._context.sink.thread(thread)
        return thread

    def _intern(self, sampled: Sampled, stack: tuple[Raw, ...]) -> int:
        return self._context.sink.intern(tuple(self._frame(sampled.process, raw) for raw in stack))

    def _frame(self, process: Process, raw: Raw) -> Frame:
        frame = self._frames.get((process.id, raw))
        if frame is None:
            function, file, line = raw
            file = self._context.local_path(file, process.cwd)
            frame = self._frames[process.id, raw] = Frame(function, file, line, self._context.origins.of(file))
        return frame


def _is_new_enough(version: str) -> bool:
    major, _, minor = version.partition(".")
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) >= (3, 15)
