"""A running process from moment to moment: a target comes in; a report on its last seconds goes out, again and again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from perfkit import __version__
from perfkit.collectors.interface import Context
from perfkit.errors import PerfkitError
from perfkit.model.recording import Run
from perfkit.model.report import Report
from perfkit.model.target import RunningProcess
from perfkit.pipeline import circumstances
from perfkit.pipeline.collecting import Collecting
from perfkit.pipeline.reporting import report_on
from perfkit.pipeline.values import Options

# What is shown is the mean of these seconds: long enough that a rank does not jump, short enough to see a change.
SECONDS = 8.0
_WINDOW = 1.0
_TICK = 0.02
# A report may take this share of the time; where it takes longer, they come less often.
_SHARE = 0.25


def watch(target: RunningProcess, options: Options, every: float) -> Iterator[Report]:
    """A report each `every` seconds until the target ends, `options.duration` is over, or a signal comes. What was brought into
    the target is gone when this is over. Raises PerfkitError where perfkit cannot look at it."""
    if os.name != "posix":
        raise PerfkitError("perfkit measures on Linux and macOS only.", "run it in WSL")
    yield from _Watching(target, options).reports(every)


class _Watching:
    def __init__(self, target: RunningProcess, options: Options) -> None:
        from perfkit.collectors import ENGINES
        from perfkit.recordings.recent import Recent
        from perfkit.shared.origin import Origins

        self._target, self._options = target, options
        self._project = circumstances.project_folders(target, options.project)
        self._description = circumstances.describe_target(target)
        self._cwd = target.cwd or str(Path.cwd())
        self._begun, self._started = time.monotonic(), time.time()
        self._recent = Recent(SECONDS)
        self._spool = tempfile.mkdtemp(prefix="perfkit-")
        context = Context(
            sink=self._recent,
            root_pid=target.pid,
            clock=self._clock,
            origins=Origins(self._project),
            spool=self._spool,
            rate=options.rate,
            attached=True,
            path_map=options.path_map,
            longest_window=_WINDOW,
            live=True,
        )
        self._collecting = Collecting(context, options, ENGINES.load(options.engine), self._project)

    def _clock(self) -> float:
        return time.monotonic() - self._begun

    def reports(self, every: float) -> Iterator[Report]:
        from perfkit.targets.interruption import Interruption

        try:
            with Interruption() as interruption:
                after = self._clock() + every
                while not interruption.received and not self._is_over():
                    self._collecting.poll()
                    if self._clock() >= after:
                        began = self._clock()
                        yield report_on(self._recent.recording(self._run()))
                        after = max(began + every, self._clock() + (self._clock() - began) / _SHARE)
                    time.sleep(_TICK)
        finally:
            for collector in reversed(self._collecting.collectors):
                collector.stop()
            shutil.rmtree(self._spool, ignore_errors=True)

    def _is_over(self) -> bool:
        from perfkit.shared.processes import alive

        duration = self._options.duration
        return not alive(self._target.pid) or (duration is not None and self._clock() >= duration)

    def _run(self) -> Run:
        return Run(
            perfkit_version=__version__,
            mode="attach",
            engine=self._options.engine,
            command=self._description,
            cwd=self._cwd,
            project=self._project,
            started=self._started,
            duration=self._clock(),
            rate=self._options.rate,
            cores=circumstances.cores(),
            platform=" ".join(os.uname()[i] for i in (0, 2, 4)),
            exclude=self._options.exclude,
            sampler_cpu=self._collecting.engine.cpu,
            sealed=True,
        )
