"""Reports room: the measured stacks as a speedscope file (https://www.speedscope.app/file-format-schema.json).

A report comes in; one "sampled" profile goes out, a sample a distinct stack, its weight in seconds.
"""

from __future__ import annotations

import json

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.labels import Shown
from perfkit.reports.relative import Paths
from perfkit.reports.stacks import Frames, demand_stacks

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def render(report: Report, options: RenderOptions) -> str:
    """Order within the profile is that of the analysis, not of time. Raises PerfkitError without stacks."""
    analysis = report.analysis
    demand_stacks(analysis, "speedscope")
    frames, profile = _profile(analysis)
    document = {
        "$schema": SCHEMA,
        "name": analysis.run.command,
        "exporter": f"perfkit@{analysis.run.perfkit_version}",
        "activeProfileIndex": 0,
        "shared": {"frames": frames},
        "profiles": [profile],
    }
    return json.dumps(document, allow_nan=False) + "\n"


def _profile(analysis: Analysis) -> tuple[list[dict[str, object]], dict[str, object]]:
    table = Frames(analysis.stacks, Paths(analysis.run.project))
    index: dict[int, int] = {}
    samples: list[list[int]] = []
    weights: list[float] = []
    for time in analysis.times:
        samples.append([index.setdefault(n, len(index)) for n in table.numbers(time.stack)])
        weights.append(time.seconds)
    frames = [_frame(table.at(n)) for n in index]
    profile: dict[str, object] = {
        "type": "sampled",
        "name": f"measured {analysis.unit}",
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    return frames, profile


def _frame(frame: Shown) -> dict[str, object]:
    """A route, a statement or a wait has a name alone."""
    return {"name": frame.name, **({"file": frame.file, "line": frame.line} if frame.file else {})}
