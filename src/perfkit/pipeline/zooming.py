"""A closer look at what a recording ranks highest: the command runs once more, with its hottest functions followed line by line,
or call by call."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import PerfkitError
from perfkit.model.counted import NO_CALLS
from perfkit.model.memory import NO_LINES, LineTime
from perfkit.model.recording import Recording
from perfkit.pipeline.measuring import Measuring
from perfkit.pipeline.values import Measured, Options, Say

if TYPE_CHECKING:
    from perfkit.collectors.hot_functions import HotFunction
    from perfkit.model.target import Command, RunningProcess


def zoom(path: Path, target: Command | RunningProcess, options: Options, say: Say = lambda progress: None) -> Measured:
    """What the lines of the hottest functions did in another run, or with `options.calls` who called them how often, put into
    the recording in the place of what was there. How that run went comes back. Raises PerfkitError where the recording shows no
    function to look at."""
    from perfkit.recordings import load

    recording = load(path)
    functions = hot_functions_of(recording)
    if not functions:
        raise PerfkitError(
            f"{path.name} shows no function of the project that is worth a closer look.",
            "measure for longer, or say where the project lies: --project FOLDER",
        )
    options = replace(options, lines=not options.calls, lines_of=functions)
    with tempfile.TemporaryDirectory(prefix="perfkit-") as folder:
        again = Path(folder, "zoom.perfkit")
        measured = Measuring(target, options, again, say).measure()
        counted = load(again) if measured.path is not None else None
    added = (
        counted is not None and bool(recording.processes) and _add(path, recording.processes[0].id, counted, options)
    )
    failure = measured.failure
    if not added and failure is None and counted is not None:
        what, missing = ("call", NO_CALLS) if options.calls else ("line", NO_LINES)
        why = next((gap.why for gap in counted.gaps if gap.what == missing), "they did not run")
        failure = PerfkitError(
            f"no {what} was counted: {why}.", "run it for longer, with the load that it was measured under"
        )
    return Measured(path, measured.outcome, failure)


def _add(path: Path, process: int, counted: Recording, options: Options) -> bool:
    """Whether there is anything to add. All processes together: those of another run have other numbers."""
    from perfkit.recordings import add_calls, add_lines

    if options.calls:
        calls = [replace(call, process=process) for call in counted.calls]
        if calls:
            add_calls(path, calls)
        return bool(calls)
    lines = _of_one(counted, process)
    if lines:
        add_lines(path, lines)
    return bool(lines)


def hot_functions_of(recording: Recording) -> tuple[HotFunction, ...]:
    from perfkit.collectors.hot_functions import hot_functions

    wall = {window.id for window in recording.windows if window.kind == "wall"}
    seconds: defaultdict[int, float] = defaultdict(float)
    for sample in recording.samples:
        if sample.window in wall:
            seconds[sample.stack] += sample.seconds
    return tuple(hot_functions(recording.stacks, seconds))


def _of_one(recording: Recording, process: int) -> list[LineTime]:
    from perfkit.analysis.zoom import read

    return [
        LineTime(process, one.function, one.file, one.first_line, one.calls, line.line, line.hits, line.seconds)
        for one in read(recording)
        for line in one.lines
    ]
