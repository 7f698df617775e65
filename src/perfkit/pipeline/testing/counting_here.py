"""Counts what happens in this very process: the probe is started in it, and what it writes is read back."""

from __future__ import annotations

import math
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib import import_module
from typing import Any, cast

from perfkit import __version__
from perfkit.analysis.in_test import happened
from perfkit.collectors.follow import Follow
from perfkit.collectors.interface import Context, Sink
from perfkit.collectors.probe import ProbeCollector
from perfkit.errors import FAILED, PerfkitError
from perfkit.model.in_test import Happened
from perfkit.model.recording import (
    Gap,
    Process,
    Recording,
    Request,
    Run,
    Samples,
    Span,
    SpanName,
    Spans,
    Stack,
    StackTable,
)
from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit.shared.origin import Origins

_PROBE = "perfkit_probe"


class Clock:
    """The machine's, also while freezegun stops those of modules."""

    now = staticmethod(time.monotonic)


class _Kept:
    """Takes what the collector reads, in memory."""

    def __init__(self) -> None:
        self.stacks = StackTable()
        self.names: dict[int, SpanName] = {}
        self.kept: list[Span] = []

    def intern(self, stack: Stack) -> int:
        return self.stacks.intern(stack)

    def name(self, name: SpanName) -> None:
        self.names[name.id] = name

    def spans(self, rows: Iterable[Span]) -> None:
        self.kept.extend(rows)

    def process(self, process: Process) -> None: ...
    def requests(self, rows: Iterable[Request]) -> None: ...
    def gap(self, gap: Gap) -> None: ...


class CountingHere:
    """From its making on. `project` is the folder whose lines are named."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._own = ""
        # Where perfkit runs this process its probe is there.
        self._spool: Any = sys.modules.get(f"{_PROBE}.spool") or self._started()
        self._sink = _Kept()
        context = Context(
            sink=cast(Sink, self._sink),
            root_pid=os.getpid(),
            clock=Clock.now,
            origins=Origins((project,)),
            spool=self._spool._folder,
            rate=0.0,
            attached=False,
        )
        self._collector = ProbeCollector(context, Follow(context))

    def _started(self) -> Any:
        """Of this process alone: what it starts is told nothing."""
        self._own = tempfile.mkdtemp(prefix="perfkit-")
        wanted = ProbeCollector.variables(self._own, (self._project,), keep_literals=False, memory=False)
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        sys.path.insert(0, PROBE_FOLDER)
        try:
            import_module(_PROBE).start()
        finally:
            sys.path.remove(PROBE_FOLDER)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        return import_module(f"{_PROBE}.spool")

    def forget(self) -> None:
        """What has happened until now is asked for by nobody any more."""
        self._read()
        self._sink.kept.clear()

    def between(self, begin: float, end: float) -> Happened:
        """Since the last `forget`; seconds of the monotonic clock. Raises PerfkitError where nothing can be counted any more."""
        self._read()
        spans = Spans()
        for span in self._sink.kept:
            if begin <= span.start <= end:
                spans.append(span)
        return happened(Recording(self._run(), self._sink.stacks, Samples(), spans=spans, names=self._sink.names))

    def _read(self) -> None:
        if self._spool.closed:
            raise PerfkitError("perfkit counts nothing any more: the disk is full.", "make room in $TMPDIR", FAILED)
        self._spool.flush()
        self._collector.take_last_words(math.inf)

    def _run(self) -> Run:
        return Run(
            perfkit_version=__version__,
            mode="run",
            engine="",
            command="",
            cwd=self._project,
            project=(self._project,),
            started=0.0,
            duration=0.0,
            rate=0.0,
            cores=1,
            platform=platform.system(),
        )

    def end(self) -> None:
        if self._own:
            self._spool.close()
            shutil.rmtree(self._own, ignore_errors=True)
