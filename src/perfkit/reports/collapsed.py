"""Reports room: the measured stacks in Brendan Gregg's collapsed form, for flamegraph.pl, inferno and speedscope.

A report comes in; lines `root;…;leaf N` go out, sorted, N being whole microseconds of measured time (stacks below
half a microsecond are left out). A frame is `function (file:line)`, the file as the report shortens it; a route, a statement
or a wait has no file.
"""

from __future__ import annotations

from collections import defaultdict

from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.labels import Shown
from perfkit.reports.relative import Paths
from perfkit.reports.stacks import Frames, demand_stacks
from perfkit.reports.visible import visible


def render(report: Report, options: RenderOptions) -> str:
    """Raises PerfkitError without stacks."""
    analysis = report.analysis
    demand_stacks(analysis, "collapsed")
    frames = Frames(analysis.stacks, Paths(analysis.run.project))
    names = [_name(frame) if frame else "" for frame in frames.shown]
    seconds: dict[str, float] = defaultdict(float)
    for time in analysis.times:
        seconds[";".join(names[n] for n in frames.numbers(time.stack)) or "(request)"] += time.seconds
    weights = {stack: round(value * 1e6) for stack, value in seconds.items()}
    return "".join(f"{stack} {weights[stack]}\n" for stack in sorted(weights) if weights[stack] > 0)


def _name(frame: Shown) -> str:
    name = f"{frame.name} ({frame.place})" if frame.place else frame.name
    return visible(name).replace(";", ":")
