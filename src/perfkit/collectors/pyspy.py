"""Samples every Python process of the target from outside, by one py-spy per process in short windows.

Wall windows count all threads, waiting or not. Where a process has several threads, a short window of the interpreter
lock's holder follows each of them. Comes out: windows, threads, samples and the kernel's CPU accounting per thread.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace

from perfkit.collectors.interface import Context, Followed
from perfkit.collectors.pyspy_raw import RawStack, parse
from perfkit.collectors.pyspy_window import PySpyWindow, WindowResult
from perfkit.collectors.schedstat import Reading, read_threads
from perfkit.model.recording import Frame, Gap, Process, Sample, SampleKind, Thread, ThreadUsage, Window
from perfkit.shared import processes
from perfkit.shared.origin import is_own_probe
from perfkit.shared.yama import ptrace_is_restricted

# The first windows are short, so that a short run has something; later ones are as long as a loss of 5 s allows.
WALL_SECONDS = (1.0, 2.0, 2.0, 4.0)
GIL_PART = 0.25
# A sample stops the target for about 0.1 ms and more with deep stacks; what py-spy itself burns bounds that from
# above only while py-spy need not wait for a CPU itself (measured: benchmarks/README.md, Overhead).
COST_LIMIT = 0.02
LEAST_RATE = 10.0
# A short run needs looks from the first moment on: the first window of a process has twice the rate.
EARLY_WINDOWS = 1
# Looks at all processes together that two cores bear without py-spy falling behind.
LOOKS_PER_SECOND = 200.0
ATTEMPTS = 25


@dataclass
class Sampled:
    """One process under sampling: its window, its rate, and up to where its time is accounted for."""

    process: Process
    rate: float
    covered_to: float
    window: PySpyWindow | None = None
    before: Reading = field(default_factory=dict)
    threads: dict[tuple[int | None, str], Thread] = field(default_factory=dict)
    next_kind: SampleKind = "wall"
    windows: int = 0
    failures: int = 0
    failure: str = ""
    retry_at: float = 0.0
    given_up: bool = False
    cut: bool = False


class PySpySampler:
    """The default engine."""

    def __init__(self, context: Context, follow: Followed) -> None:
        self._context = context
        self._follow = follow
        self._sampled: dict[int, Sampled] = {}
        self._window_ids = 0
        self._thread_ids = 0
        self._frames: dict[tuple[int, str, str, int], Frame] = {}
        self._unparsed = 0
        self._resting = False
        self.cpu = 0.0
        self.samples = 0
        self.stack_seconds: defaultdict[int, float] = defaultdict(float)

    @property
    def measured(self) -> int:
        return self.samples

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        """Where Yama lets only ancestors read a process, every process of the target must name perfkit as its reader."""
        return {"PERFKIT_PTRACER": str(perfkit_pid)} if ptrace_is_restricted() else {}

    def poll(self) -> None:
        now = self._context.clock()
        alive = {process.id: process for process in self._follow.alive}
        for process_id, process in alive.items():
            if process_id not in self._sampled:
                self._sampled[process_id] = Sampled(process, 2 * self._context.rate, process.started)
        for sampled in self._sampled.values():
            if sampled.window is not None:
                self._advance(sampled, now)
            elif self._resting or sampled.given_up:
                continue
            elif sampled.process.id in alive and now >= sampled.retry_at:
                self._open(sampled, now, len(alive))

    def rest(self) -> None:
        """Take no samples until `go_on`, while something else slows the target down: those before and after stand for that time."""
        self._resting = True
        for sampled in self._sampled.values():
            if sampled.window is not None:
                sampled.window.interrupt()
                sampled.window.deadline = self._context.clock() + 1.0

    def go_on(self) -> None:
        self._resting = False

    def stop(self) -> None:
        for sampled in self._sampled.values():
            if sampled.window is not None:
                sampled.window.interrupt()
        limit = self._context.clock() + 5
        while any(sampled.window for sampled in self._sampled.values()) and self._context.clock() < limit:
            for sampled in self._sampled.values():
                if sampled.window is not None and sampled.window.ended():
                    self._close(sampled, sampled.window)
        for sampled in self._sampled.values():
            if sampled.window is not None:
                sampled.window.kill()
                sampled.window.ended(block=True)
                self._close(sampled, sampled.window)
        self._say_what_was_missed()

    def _fair_rate(self, count: int, windows: int) -> float:
        asked = self._context.rate * (2 if windows < EARLY_WINDOWS else 1)
        return max(LEAST_RATE, min(asked, LOOKS_PER_SECOND / max(1, count)))

    def _open(self, sampled: Sampled, now: float, count: int) -> None:
        sampled.rate = min(sampled.rate, self._fair_rate(count, sampled.windows))  # never above what was asked for
        seconds = min(WALL_SECONDS[min(sampled.windows, len(WALL_SECONDS) - 1)], self._context.longest_window)
        if sampled.next_kind == "gil":
            seconds *= GIL_PART
        sampled.before = read_threads(sampled.process.pid)
        sampled.window = PySpyWindow(
            sampled.process.pid, sampled.next_kind, sampled.rate, seconds, self._context.spool, now
        )

    def _advance(self, sampled: Sampled, now: float) -> None:
        window = sampled.window
        if window is None:
            return
        if window.ended():
            self._close(sampled, window)
        elif now >= window.deadline or self._begins_to_count(sampled, window, now):
            window.interrupt()
            window.deadline = now + 1.0

    def _begins_to_count(self, sampled: Sampled, window: PySpyWindow, now: float) -> bool:
        """Whether a window is to end here, once: a window with start-up in it is no measurement, whole as it is."""
        begin = self._context.measured_from()
        if sampled.cut or begin is None or not window.started < begin <= now:
            return False
        sampled.cut = True
        return True

    def _close(self, sampled: Sampled, window: PySpyWindow) -> None:
        sampled.window = None
        now = self._context.clock()
        result = window.result()
        self.cpu += result.cpu
        if result.failure is not None:
            self._failed(sampled, result.failure, now)
            return
        stacks = self._parse(result)
        if stacks:
            sampled.failures = 0
        self._write(sampled, window, result, stacks, now)
        self._adapt(sampled, window, result, now)

    def _parse(self, result: WindowResult) -> list[RawStack]:
        stacks: list[RawStack] = []
        for parsed in parse(result.lines):
            if isinstance(parsed, str):
                self._unparsed += 1
            elif parsed.frames:
                stacks.append(parsed)
        return stacks

    def _write(
        self, sampled: Sampled, window: PySpyWindow, result: WindowResult, stacks: list[RawStack], now: float
    ) -> None:
        counts: Counter[int] = Counter()
        of_target: set[int] = set()  # threads; the probe has one of its own that follows memory
        merged: Counter[tuple[int, int]] = Counter()
        for raw in stacks:
            thread = self._thread(sampled, raw)
            counts[thread.id] += raw.n
            if not is_own_probe(raw.frames[0].file):
                of_target.add(thread.id)
            merged[thread.id, self._intern(sampled.process, raw)] += raw.n
        elapsed = max(now - window.started, 1e-3)
        looks = max(counts.values(), default=0) if window.kind == "wall" else round(window.rate * elapsed)
        # A wall window also stands for the moments since the last one ended: py-spy's start, and lock windows.
        span = now - sampled.covered_to if window.kind == "wall" else elapsed
        if window.kind == "wall" and counts:
            sampled.covered_to = now
        self._window_ids += 1
        window_id = self._window_ids
        per_look = span / looks if looks else 0.0
        record = Window(
            window_id,
            sampled.process.id,
            window.kind,
            window.started,
            elapsed,
            window.rate,
            looks,
            result.errors,
            result.behind,
        )
        rows = [Sample(window_id, tid, stack, n, n * per_look) for (tid, stack), n in merged.items()]
        self.samples += sum(merged.values())
        for row in rows:
            self.stack_seconds[row.stack] += row.seconds
        usage = self._thread_usage(sampled, window_id)
        self._context.sink.window(record, rows, usage)
        sampled.windows += 1
        sampled.next_kind = "wall"
        if window.kind == "wall" and _busy_threads(of_target, usage, elapsed) > 1:
            sampled.next_kind = "gil"

    def _thread_usage(self, sampled: Sampled, window_id: int) -> list[ThreadUsage]:
        after = read_threads(sampled.process.pid)
        rows = []
        for thread in sampled.threads.values():
            if thread.tid in after:
                cpu, runqueue = after[thread.tid]
                cpu_before, runqueue_before = sampled.before.get(thread.tid, (0.0, 0.0))
                rows.append(ThreadUsage(window_id, thread.id, cpu - cpu_before, runqueue - runqueue_before))
        return rows

    def _thread(self, sampled: Sampled, raw: RawStack) -> Thread:
        # The name may change while the thread lives, and a dead thread's id may be given to a new one.
        key = (raw.tid, "" if raw.tid is not None else raw.thread)
        thread = sampled.threads.get(key)
        if thread is None:
            self._thread_ids += 1
            thread = sampled.threads[key] = Thread(self._thread_ids, sampled.process.id, raw.tid, raw.thread)
            self._context.sink.thread(thread)
        elif not thread.name and raw.thread:  # it was first seen before Python had named it
            thread = sampled.threads[key] = replace(thread, name=raw.thread)
            self._context.sink.thread(thread)
        return thread

    def _intern(self, process: Process, raw: RawStack) -> int:
        stack = []
        for frame in raw.frames:
            key = (process.id, frame.function, frame.file, frame.line)
            known = self._frames.get(key)
            if known is None:
                file = self._context.local_path(frame.file, process.cwd)
                # The code of `python -c` is the user's own; any other <string> was made by a library.
                given = frame.file == "<string>" and raw.frames[0].file == "<string>"
                known = Frame(frame.function, file, frame.line, "app" if given else self._context.origins.of(file))
                self._frames[key] = known
            stack.append(known)
        return self._context.sink.intern(tuple(stack))

    def _adapt(self, sampled: Sampled, window: PySpyWindow, result: WindowResult, now: float) -> None:
        """Fewer looks where py-spy falls behind or costs too much, more again where they have become cheap.

        What py-spy burns in its first 20 ms is its start, not its looks.
        """
        cost = max(0.0, result.cpu - 0.02) / max(now - window.started, 0.2)
        factor = 0.5 if result.behind else COST_LIMIT / max(cost, 1e-6)
        sampled.rate = max(LEAST_RATE, sampled.rate * min(2.0, max(0.25, factor)))

    def _failed(self, sampled: Sampled, failure: str, now: float) -> None:
        if not processes.alive(sampled.process.pid):
            return
        sampled.failures += 1
        sampled.retry_at = now + 0.1
        sampled.failure = failure
        denied = "ermission" in failure or "not permitted" in failure
        if sampled.failures >= (3 if denied else ATTEMPTS):
            sampled.given_up = True
            self._context.sink.gap(_gap(sampled.process, failure, denied))

    def _say_what_was_missed(self) -> None:
        for sampled in self._sampled.values():
            # Measuring ended before another attempt could be made.
            if (
                not sampled.given_up
                and not sampled.windows
                and sampled.failures
                and processes.alive(sampled.process.pid)
            ):
                sampled.given_up = True
                self._context.sink.gap(_gap(sampled.process, sampled.failure, "ermission" in sampled.failure))
        # Without any sample there is no recording that could have a gap.
        missed = [s for s in self._sampled.values() if self.samples and not s.windows and not s.given_up]
        if missed:
            pids = ", ".join(str(s.process.pid) for s in missed[:5])
            self._context.sink.gap(
                Gap(
                    f"samples of {len(missed)} short-lived processes (pid {pids})",
                    "they ended before a first look at them was finished",
                    "measure a longer run, or the parent process",
                )
            )
        if self._unparsed:
            self._context.sink.gap(
                Gap(
                    f"{self._unparsed} stacks",
                    "py-spy wrote lines that perfkit cannot read",
                    "report this with the version of py-spy",
                )
            )


def _busy_threads(seen: Set[int], usage: Sequence[ThreadUsage], elapsed: float) -> int:
    """How many of the threads seen might hold the interpreter lock: all but those that the kernel gave next to no CPU."""
    idle = {row.thread for row in usage if row.cpu < 0.02 * elapsed}
    return len(seen - idle)


def _gap(process: Process, failure: str, denied: bool) -> Gap:
    what = f"samples of process {process.pid}"
    if processes.is_free_threaded(process.pid):
        return Gap(what, "it runs free-threaded Python, which py-spy cannot read", "measure a build with the GIL")
    tracer = processes.traced_by(process.pid)
    if tracer:
        why = f"another program traces it ({tracer})"
        return Gap(what, why, "end that debugger, strace or profiler first")
    if denied:
        return Gap(what, f"reading it is not allowed: {failure}", f"perfkit doctor --pid {process.pid}")
    return Gap(what, f"py-spy: {failure}", f"perfkit doctor --pid {process.pid}")
