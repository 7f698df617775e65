"""A recording that forgets: measurements come in as they are made, the last seconds of them go out as a `Recording`.

Nothing is written to disk. Stacks, names, threads and processes are kept for as long as it lives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from perfkit.model.recording import (
    Gap,
    MachineUsage,
    Process,
    Recording,
    Request,
    Run,
    Sample,
    Samples,
    SourceFile,
    SourceText,
    Span,
    SpanName,
    Spans,
    Stack,
    StackTable,
    Thread,
    ThreadUsage,
    Usage,
    Window,
)

T = TypeVar("T")


class Recent:
    """Keeps `seconds` of a run."""

    def __init__(self, seconds: float) -> None:
        self.stacks = StackTable()
        self._seconds = seconds
        self._processes: dict[int, Process] = {}
        self._threads: dict[int, Thread] = {}
        self._names: dict[int, SpanName] = {}
        self._files: dict[str, SourceFile] = {}
        self._gaps: list[Gap] = []
        self._windows: deque[tuple[Window, list[Sample], list[ThreadUsage]]] = deque()
        self._usage: deque[Usage] = deque()
        self._machine: deque[MachineUsage] = deque()
        self._requests: deque[Request] = deque()
        self._spans: deque[Span] = deque()

    def recording(self, run: Run) -> Recording:
        """The last seconds before `run.duration`. Samples come late, when their window is over: up to then it goes."""
        self._forget(run.duration - self._seconds)
        ends = [window.start + window.seconds for window, _, _ in self._windows]
        begin = min((window.start for window, _, _ in self._windows), default=run.duration)
        end = max(ends, default=run.duration)
        samples, spans = Samples(), Spans()
        for _, rows, _ in self._windows:
            for sample in rows:
                samples.append(sample)
        for span in self._spans:
            if begin <= span.start <= end:
                spans.append(span)
        return Recording(
            run=replace(run, ready_at=begin or None, duration=end),
            stacks=self.stacks,
            samples=samples,
            processes=tuple(self._processes.values()),
            threads=tuple(self._threads.values()),
            windows=tuple(window for window, _, _ in self._windows),
            thread_usage=tuple(row for _, _, rows in self._windows for row in rows),
            usage=tuple(row for row in self._usage if row.at >= begin),
            machine=tuple(row for row in self._machine if row.at >= begin),
            requests=tuple(one for one in self._requests if begin <= one.start and one.start + one.seconds <= end),
            spans=spans,
            names=self._names,
            files=self._files,
            gaps=tuple(self._gaps),
        )

    def _forget(self, before: float) -> None:
        _drop(self._windows, lambda row: row[0].start + row[0].seconds < before)
        _drop(self._usage, lambda row: row.at < before)
        _drop(self._machine, lambda row: row.at < before)
        # They come in the order of their ends, nearly: what stays a little longer than it need be is left out above.
        _drop(self._requests, lambda row: row.start + row.seconds < before)
        _drop(self._spans, lambda row: row.start + row.seconds < before)

    def intern(self, stack: Stack) -> int:
        return self.stacks.intern(stack)

    def process(self, process: Process) -> None:
        self._processes[process.id] = process

    def thread(self, thread: Thread) -> None:
        self._threads[thread.id] = thread

    def window(self, window: Window, samples: Iterable[Sample], usage: Iterable[ThreadUsage]) -> None:
        self._windows.append((window, list(samples), list(usage)))

    def usage(self, rows: Iterable[Usage]) -> None:
        self._usage.extend(rows)

    def machine(self, row: MachineUsage) -> None:
        self._machine.append(row)

    def requests(self, rows: Iterable[Request]) -> None:
        self._requests.extend(rows)

    def spans(self, rows: Iterable[Span]) -> None:
        self._spans.extend(rows)

    def name(self, name: SpanName) -> None:
        self._names[name.id] = name

    def file(self, file: SourceFile) -> None:
        self._files[file.path] = file

    def gap(self, gap: Gap) -> None:
        if gap not in self._gaps:
            self._gaps.append(gap)

    def source(self, source: SourceText) -> None:
        """Nobody reads it before the end."""

    def commit(self) -> None:
        """Nothing is on disk."""

    def _left_out(self, rows: Iterable[object]) -> None:
        """Only what is seen from moment to moment is kept."""

    calls = lines = line_bytes = allocations = memory = rises = containers = heaps = garbage = imports = _left_out


def _drop(rows: deque[T], is_old: Callable[[T], Any]) -> None:
    while rows and is_old(rows[0]):
        rows.popleft()
