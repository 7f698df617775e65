"""What is measured, and what drives it while it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Command:
    """A command to launch. `executable` is the resolved path of `argv[0]`; `environ` is added to perfkit's own environment, and
    `output` the file that takes what it prints, where that is not perfkit's own."""

    argv: tuple[str, ...]
    executable: str
    cwd: str
    environ: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process that is already there. `description` says how it was found, for messages."""

    pid: int
    description: str
    cwd: str | None = None


Target = Command | RunningProcess


@dataclass(frozen=True, slots=True)
class Load:
    """A closed loop of HTTP requests: `concurrency` clients, each sends its next request when the last was answered.

    `requests` is the total over all URLs (taken in turn); None means until the run is stopped.
    """

    urls: tuple[str, ...]
    requests: int | None
    concurrency: int


@dataclass(frozen=True, slots=True)
class Workload:
    """What the run waits for and how it is driven. `ready` is a URL or a port number as text."""

    load: Load | None = None
    command: str | None = None
    ready: str | None = None
    ready_timeout: float = 60.0


StoppedBy = Literal["target", "duration", "workload", "signal", "perfkit"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a launched target ended: its own exit code (128 + n after signal n), or None where it still runs."""

    exit_code: int | None
    stopped_by: StoppedBy
    workload_exit_code: int | None = field(default=None)
