"""What a collector must do, and what it is given: a sink for what it measures and the circumstances of the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from perfkit.model.memory import (
    Allocation,
    Container,
    Garbage,
    Heap,
    Import,
    LineBytes,
    LineTime,
    MemoryUse,
    Rise,
)
from perfkit.model.recording import (
    Call,
    Gap,
    MachineUsage,
    Process,
    Request,
    Sample,
    SourceFile,
    SourceText,
    Span,
    SpanName,
    Stack,
    StackTable,
    Thread,
    ThreadUsage,
    Usage,
    Window,
)
from perfkit.shared.origin import Origins


class Sink(Protocol):
    """Where measurements go, as they are made. A failing sink raises PerfkitError; the target is never stopped for it."""

    stacks: StackTable

    def intern(self, stack: Stack) -> int: ...
    def process(self, process: Process) -> None: ...
    def thread(self, thread: Thread) -> None: ...
    def window(self, window: Window, samples: Iterable[Sample], usage: Iterable[ThreadUsage]) -> None: ...
    def usage(self, rows: Iterable[Usage]) -> None: ...
    def machine(self, row: MachineUsage) -> None: ...
    def requests(self, rows: Iterable[Request]) -> None: ...
    def spans(self, rows: Iterable[Span]) -> None: ...
    def name(self, name: SpanName) -> None: ...
    def calls(self, rows: Iterable[Call]) -> None: ...
    def lines(self, rows: Iterable[LineTime]) -> None: ...
    def line_bytes(self, rows: Iterable[LineBytes]) -> None: ...
    def allocations(self, rows: Iterable[Allocation]) -> None: ...
    def memory(self, rows: Iterable[MemoryUse]) -> None: ...
    def rises(self, rows: Iterable[Rise]) -> None: ...
    def containers(self, rows: Iterable[Container]) -> None: ...
    def heaps(self, rows: Iterable[Heap]) -> None: ...
    def garbage(self, rows: Iterable[Garbage]) -> None: ...
    def imports(self, rows: Iterable[Import]) -> None: ...
    def file(self, file: SourceFile) -> None: ...
    def source(self, source: SourceText) -> None: ...
    def gap(self, gap: Gap) -> None: ...
    def commit(self) -> None: ...


@dataclass(frozen=True)
class Context:
    """The run as collectors see it. `clock` gives seconds since the run began; `spool` is a private folder. `measured_from` tells
    when start-up and warm-up end, as soon as that is known. `longest_window`: seconds after which samples are to be there.
    `live`: somebody reads what comes in while the target runs. `root` is where the target's files are read, "" where they are ours."""

    sink: Sink
    root_pid: int
    clock: Callable[[], float]
    origins: Origins
    spool: str
    rate: float
    attached: bool
    path_map: tuple[tuple[str, str], ...] = ()
    measured_from: Callable[[], float | None] = lambda: None
    longest_window: float = 4.0
    live: bool = False
    root: str = ""

    def local_path(self, file: str, cwd: str | None) -> str:
        """A file of the target as this machine names it: relative to the target's folder, and mapped out of a container."""
        import os

        if not file.startswith(("/", "<")) and cwd:
            file = os.path.normpath(os.path.join(cwd, file))
        for inside, outside in self.path_map:
            if file == inside or file.startswith(inside.rstrip("/") + "/"):
                return outside.rstrip("/") + file[len(inside.rstrip("/")) :]
        return file


class Followed(Protocol):
    """The Python processes of the target that are alive."""

    @property
    def alive(self) -> list[Process]: ...


class Collector(Protocol):
    """Polled by the run's one loop, some fifty times a second; must never block for longer than a few milliseconds."""

    def poll(self) -> None: ...

    def stop(self) -> None:
        """End measuring: finish what is under way and write it. May take a second."""


class Engine(Collector, Protocol):
    """A collector that says where the time goes. `measured` counts its samples or calls; `stack_seconds` is by stack."""

    cpu: float
    stack_seconds: defaultdict[int, float]

    def __init__(self, context: Context, follow: Followed) -> None: ...

    @property
    def measured(self) -> int: ...

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        """What a launched target's environment needs for this engine, beyond the probe's folder. Empty: no probe."""
