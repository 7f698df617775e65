"""From a database's log to a recording: read it to its end, write down what it says."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.model.plan import Plan
from perfkit.model.recording import Run
from perfkit.model.sqllog import SqlLog
from perfkit.pipeline import circumstances

if TYPE_CHECKING:
    from perfkit.collectors.sqllog.options import LogOptions

Told = Callable[[int, int | None, int], None]
ToldOfTasks = Callable[[int, int | None, int, tuple[int, int]], None]


@dataclass(frozen=True)
class Digested:
    """A log, and the plans that the server logged with its statements."""

    log: SqlLog
    plans: tuple[Plan, ...] = ()


def digest(
    logs: Sequence[str], options: LogOptions | None = None, told: Told | None = None, stdin: BinaryIO | None = None
) -> Digested:
    """Read logs to their end: files, patterns, folders, `-` for `stdin`. `told` hears of the bytes read, of how many in all where
    that is known, and of lines. Raises PerfkitError where one cannot be read, or holds nothing that is known."""
    from perfkit.collectors.sqllog.options import LogOptions
    from perfkit.collectors.sqllog.reading import read_logs

    options = options or LogOptions()
    return _digested(read_logs(logs, options, told, stdin), options.keep_literals)


def digest_on_dask(
    logs: Sequence[str], scheduler: str, options: LogOptions, told: ToldOfTasks | None = None
) -> Digested:
    """As `digest`, by the workers of a Dask cluster: `logs` are fsspec URLs, or paths that each worker sees. `told` also hears of
    the tasks done, and of all. Raises PerfkitError also where the cluster fails, or Dask is not installed."""
    from perfkit.collectors.sqllog.on_dask import read_on_dask

    return _digested(read_on_dask(logs, scheduler, options, told), options.keep_literals)


def follow(log: Path, options: LogOptions) -> Iterator[Digested]:
    """What the log holds so far, again and again while it grows, until the caller has enough."""
    from perfkit.collectors.sqllog.follow import follow_log

    for found in follow_log(log, options):
        yield _digested(found, options.keep_literals)


def _digested(log: SqlLog, keep_literals: bool) -> Digested:
    """Plans have the statements' values in them: without --keep-literals only what is left of them without goes on."""
    from perfkit.explain import read_plan, redacted

    plans = []
    for found in log.digests.values():
        if found.plan is None:
            continue
        try:
            plan = read_plan(found.plan.text)
        except PerfkitError:  # cut off, or in a form that no reader knows
            plan = None
        if plan is not None:
            text = found.worst.text if found.worst is not None else found.fingerprint
            plan = replace(plan, system=found.system, fingerprint=found.fingerprint, text=text, source="log")
            plans.append(plan if keep_literals else redacted(plan))
        if not keep_literals:
            found.plan = None
    return Digested(log, tuple(plans))


def record_log(digested: Digested, path: Path) -> None:
    """A recording of a log alone, whole or not at all. Its times are those of the log. Raises PerfkitError where it cannot be
    written."""
    from perfkit.recordings import Writer

    run = log_run(digested.log)
    part = path.with_name(f".{path.name}.part")
    try:
        writer = Writer(part, run, overwrite=True)
        writer.log(digested.log)
        writer.plans(digested.plans)
        writer.seal(run)
        part.replace(path)
    except (PerfkitError, OSError) as error:
        for left in (part, part.with_name(part.name + "-journal"), path):
            with suppress(OSError):
                if left != path or not left.stat().st_size:  # a name that was reserved
                    left.unlink()
        if isinstance(error, OSError):
            raise PerfkitError(
                f"{path} cannot be written: {error.strerror}.", "choose another place with -o FILE"
            ) from error
        raise


def log_run(log: SqlLog) -> Run:
    """The circumstances of a log: from its first event to its last."""
    first = max(0.0, log.first) if log.first is not None else time.time()
    return Run(
        perfkit_version=__version__,
        mode="sql",
        engine="log",
        command="perfkit sql " + " ".join(name for name, _ in log.files),
        cwd=str(Path.cwd()),
        project=(str(Path.cwd()),),
        started=first,
        duration=max(0.0, (log.last or first) - first),
        rate=0.0,
        cores=circumstances.cores(),
        platform=f"{os.uname().sysname} {platform.machine()}",
        sealed=True,
    )


def join_log(digested: Digested, path: Path) -> None:
    """Put a log beside what was measured at the same time. Raises PerfkitError where they do not overlap."""
    log = digested.log
    from perfkit.recordings import add
    from perfkit.recordings.reader import load_run

    run = load_run(path)
    if run.mode == "sql":
        raise PerfkitError(
            f"{path} already exists, and holds a log.", "choose another name with -o FILE, or remove it first"
        )
    if log.first is not None and log.last is not None:
        end = run.started + run.duration
        if log.last < run.started or log.first > end:
            raise PerfkitError(
                f"the log and {path.name} are of different times.",
                "give the log of the time that was measured, or another -o FILE",
            )
    add(path, log, digested.plans)
