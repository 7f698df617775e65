"""From a database's log to a recording: read it to its end, write down what it says."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.model.recording import Run
from perfkit.model.sqllog import SqlLog
from perfkit.pipeline import circumstances


def record_log(log: SqlLog, path: Path, project: Sequence[str] = ()) -> None:
    """A recording of a log alone. Its times are those of the log. Raises PerfkitError where it cannot be written."""
    from perfkit.recordings import Writer

    run = log_run(log, project)
    writer = Writer(path, run)
    writer.log(log)
    writer.seal(run)


def log_run(log: SqlLog, project: Sequence[str] = ()) -> Run:
    """The circumstances of a log: from its first event to its last."""
    first = max(0.0, log.first) if log.first is not None else time.time()
    return Run(
        perfkit_version=__version__,
        mode="sql",
        engine="log",
        command="perfkit sql " + " ".join(name for name, _ in log.files),
        cwd=str(Path.cwd()),
        project=tuple(project) or (str(Path.cwd()),),
        started=first,
        duration=max(0.0, (log.last or first) - first),
        rate=0.0,
        cores=circumstances.cores(),
        platform=f"{os.uname().sysname} {platform.machine()}",
        sealed=True,
    )


def join_log(log: SqlLog, path: Path) -> None:
    """Put a log beside what was measured at the same time. Raises PerfkitError where they do not overlap."""
    from perfkit.recordings import add
    from perfkit.recordings.reader import load_run

    run = load_run(path)
    if run.mode != "sql" and log.first is not None and log.last is not None:
        end = run.started + run.duration
        if log.last < run.started or log.first > end:
            raise PerfkitError(
                f"the log and {path.name} are of different times.",
                "give the log of the time that was measured, or another -o FILE",
            )
    add(path, log)
