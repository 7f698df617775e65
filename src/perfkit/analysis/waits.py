"""Charges waiting to whoever made it wait: lock waits to the stack that ran meanwhile, the interpreter lock to its holders."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from perfkit.analysis.rows import Rows
from perfkit.analysis.stackfacts import Facts
from perfkit.model.analysis import Blocked, Holder, StackTime
from perfkit.model.recording import Recording, Stack
from perfkit.shared.codeline import Lines

_WITH_LOCK = re.compile(r"\bwith\s+([\w.\[\]\"']+)")
# Names that many classes and modules give to locks of their own.
_COMMON_NAMES = {"lock", "rlock", "mutex", "cond", "condition", "sem", "semaphore", "guard"}
# Of so few looks inside a lock there may have been twice as many.
UNSURE = 2.0
Lock = tuple[str, str | None]
_ACQUIRE = re.compile(r"([\w.]+)\.acquire\s*\(")


def blocked(
    recording: Recording, rows: Rows, times: Iterable[StackTime], facts: Facts, lines: Lines
) -> tuple[Blocked, ...]:
    """Every lock wait of `times` with a stack that ran in the same windows: the one inside the same lock where one is seen.
    Waits inside a span are the span's, and not among `times`."""
    waits: defaultdict[Lock | None, list[StackTime]] = defaultdict(list)
    for time in times:
        if time.stack in rows.measured and facts.of(time.stack).leaf == "lock":
            waits[lock_taken(recording.stacks.expand(time.stack), lines)].append(time)
    found = []
    for lock, group in waits.items():
        windows = {window for time in group for window in rows.measured[time.stack].clusters}
        inside = {
            stack: seconds
            for stack, seconds in _at_work(rows, windows).items()
            if lock and _holds(recording.stacks.expand(stack), *lock, lines)
        }
        waited = sum(rows.measured[time.stack].seconds for time in group)
        # Threads that merely had no CPU at that line are not kept waiting by whoever once was inside.
        held = waited <= UNSURE * sum(inside.values()) * max(1, _request_threads(recording, rows) - 1)
        for time in group:
            clusters = rows.measured[time.stack].clusters
            running, others = _seen_in(rows.running, clusters), _seen_in(rows.waiting_busy, clusters)
            same = [stack for stack in (running | others) if stack in inside] if held else []
            holder = max(same or running, key=lambda s: running[s] + others[s], default=None)
            found.append(Blocked(time.stack, holder, time.seconds, bool(same)))
    return tuple(sorted(found, key=lambda wait: -wait.seconds))


def _at_work(rows: Rows, windows: Iterable[int]) -> dict[int, float]:
    """Seconds by stack of all that might have held a lock."""
    running, others = _seen_in(rows.running, windows), _seen_in(rows.waiting_busy, windows)
    return {stack: running[stack] + others[stack] for stack in running | others}


def _request_threads(recording: Recording, rows: Rows) -> int:
    pairs = zip(recording.samples.stack, recording.samples.thread, strict=True)
    return len({thread for stack, thread in pairs if stack in rows.measured})


def _seen_in(table: Mapping[int, Mapping[int, float]], windows: Iterable[int]) -> defaultdict[int, float]:
    """Seconds by stack over some windows."""
    seen: defaultdict[int, float] = defaultdict(float)
    for window in windows:
        for stack, seconds in table.get(window, {}).items():
            seen[stack] += seconds
    return seen


def lock_taken(stack: Stack, lines: Lines) -> Lock | None:
    """The last name of the lock that the deepest readable waiting line takes (`_lock` of `with self._lock:`), and its file
    where locks of other files have the same name."""
    for frame in reversed(stack):
        text = lines.text(frame.file, frame.line)
        match = text and (_WITH_LOCK.search(text) or _ACQUIRE.search(text))
        if match:
            name = match[1].rpartition(".")[2]
            return name, frame.file if name.strip("_").lower() in _COMMON_NAMES else None
        if frame.origin == "app":
            return None
    return None


def _holds(stack: Stack, name: str, file: str | None, lines: Lines) -> bool:
    """Whether a frame of the stack, of that file where one is given, is inside a block that took a lock of that name, and not
    at the taking itself."""
    wanted = re.compile(rf"\bwith\s[^#]*\b{re.escape(name)}\b|\b{re.escape(name)}\.acquire\s*\(")
    for frame in stack:
        source = lines.function(frame.file, frame.line) if file in (None, frame.file) else None
        if source is None:
            continue
        if any(wanted.search(text) for text in _around(source.text.split("\n"), frame.line - source.first_line)):
            return True
    return False


def _around(lines: list[str], index: int) -> Iterable[str]:
    """The headers of the blocks around a line, and the statements before it in those blocks."""
    indent = len(lines[index]) - len(lines[index].lstrip())
    for text in reversed(lines[:index]):
        own = len(text) - len(text.lstrip())
        if text.strip() and (own < indent or (own == indent and ".acquire" in text)):
            indent = own
            yield text


def holders(recording: Recording, facts: Facts, serving_from: float) -> tuple[Holder, ...]:
    """Who held the interpreter lock, by stack: `share` is of all looks at its process, which has a lock of its own, so
    that what is missing to 1 was held by nobody."""
    windows = {
        window.id: window for window in recording.windows if window.kind == "gil" and window.start >= serving_from
    }
    names = {thread.id: thread.name for thread in recording.threads}
    looks: defaultdict[int, int] = defaultdict(int)
    for gil in windows.values():
        looks[gil.process] += gil.rounds
    counts: defaultdict[tuple[int, int, int], int] = defaultdict(int)
    samples = recording.samples
    for window, thread, stack, n in zip(samples.window, samples.thread, samples.stack, samples.n, strict=True):
        if window in windows:
            counts[stack, thread, windows[window].process] += n
    found = [
        Holder(stack, n / looks[process], n, facts.in_request(stack, process), names.get(thread, ""))
        for (stack, thread, process), n in counts.items()
        if looks[process]
    ]
    return tuple(sorted(found, key=lambda holder: -holder.n))


def gil_wait(recording: Recording, rows: Rows) -> float:
    """Seconds for which request threads looked as if they ran, but neither ran on a CPU nor waited for one.

    That is waiting for the interpreter lock, or inside C code; who held the lock tells which.
    """
    usage = {(row.window, row.thread): row.cpu + row.runqueue for row in recording.thread_usage}
    total = 0.0
    for window, threads in rows.request_running.items():
        for thread, seconds in threads.items():
            if (window, thread) in usage:
                # The thread's CPU went to its requests in proportion to the time in which it seemed to run.
                part = seconds / max(seconds, rows.running_by_thread.get((window, thread), seconds))
                total += max(0.0, seconds - part * usage[window, thread])
    return total
