"""A closer look at what a recording ranks highest: the command runs once more, with its hottest functions followed line by line."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import PerfkitError
from perfkit.model.memory import NO_LINES, LineTime
from perfkit.model.recording import Recording
from perfkit.pipeline.measuring import Measuring
from perfkit.pipeline.values import Measured, Options, Say

if TYPE_CHECKING:
    from perfkit.collectors.hot_functions import HotFunction
    from perfkit.model.target import Command


def zoom(path: Path, target: Command, options: Options, say: Say = lambda progress: None) -> Measured:
    """What the lines of the hottest functions did in another run, put into the recording in the place of what was there. How
    that run went comes back. Raises PerfkitError where the recording shows no function to look at."""
    from perfkit.recordings import add_lines, load

    recording = load(path)
    functions = hot_functions_of(recording)
    if not functions:
        raise PerfkitError(
            f"{path.name} shows no function of the project that is worth a closer look.",
            "measure for longer, or say where the project lies: --project FOLDER",
        )
    with tempfile.TemporaryDirectory(prefix="perfkit-") as folder:
        again = Path(folder, "zoom.perfkit")
        measured = Measuring(target, replace(options, lines=True, lines_of=functions), again, say).measure()
        counted = load(again) if measured.path is not None else None
    lines = _of_one(counted, recording.processes[0].id) if counted is not None and recording.processes else []
    if lines:
        add_lines(path, lines)
    failure = measured.failure
    if not lines and failure is None and counted is not None:
        why = next((gap.why for gap in counted.gaps if gap.what == NO_LINES), "they did not run")
        failure = PerfkitError(
            f"no line was counted: {why}.", "run it for longer, with the load that it was measured under"
        )
    return Measured(path, measured.outcome, failure)


def hot_functions_of(recording: Recording) -> tuple[HotFunction, ...]:
    from perfkit.collectors.hot_functions import hot_functions

    wall = {window.id for window in recording.windows if window.kind == "wall"}
    seconds: defaultdict[int, float] = defaultdict(float)
    for sample in recording.samples:
        if sample.window in wall:
            seconds[sample.stack] += sample.seconds
    return tuple(hot_functions(recording.stacks, seconds))


def _of_one(recording: Recording, process: int) -> list[LineTime]:
    """Of all processes together: those of another run have other numbers."""
    from perfkit.analysis.zoom import read

    return [
        LineTime(process, one.function, one.file, one.first_line, one.calls, line.line, line.hits, line.seconds)
        for one in read(recording)
        for line in one.lines
    ]
