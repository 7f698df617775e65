"""What measuring is asked for, and what it says while it goes on and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import PerfkitError
from perfkit.model.recording import Engine as EngineName
from perfkit.model.target import Outcome, Workload

if TYPE_CHECKING:
    from perfkit.collectors.hot_functions import HotFunction


@dataclass(frozen=True)
class Options:
    """How to measure. `probe` goes into a command that is launched, `sql` brings it into a process that runs. `lines_of` are
    followed from the start, in place of those that samples find. `tracemalloc` is how many frames of each allocation are kept, 0
    for none. With `counting` all that the probe
    sees is wanted, to the last, samples or not: a target that must be stopped gets SIGINT, at which Python ends in good order. Seconds; `duration` counts from the moment the target is ready
    (at once without --ready or --load)."""

    engine: EngineName = "py-spy"
    probe: bool = True
    sql: bool = False
    keep_literals: bool = False
    memory: bool = False
    tracemalloc: int = 0
    lines: bool = False
    calls: bool = False
    lines_of: tuple[HotFunction, ...] = ()
    counting: bool = False
    rate: float = 50.0
    duration: float | None = None
    warmup: float = 0.0
    exclude: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    path_map: tuple[tuple[str, str], ...] = ()
    workload: Workload = field(default_factory=Workload)


@dataclass(frozen=True)
class Measured:
    """How measuring went. `failure` is set where nothing, or not everything, could be recorded; `path` may still be there.
    `interrupted`: perfkit was asked to end, also where that came after the target was done."""

    path: Path | None
    outcome: Outcome
    failure: PerfkitError | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Progress:
    """Something worth a word on the terminal while measuring."""

    what: str
    seconds: float
    processes: int = 0
    samples: int = 0


Say = Callable[[Progress], None]
