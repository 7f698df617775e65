"""Reports room: a verdict as OpenMetrics text, for dashboards. A verdict comes in; gauges go out, and `# EOF`.

Numbers that are not finite are left out, and so are single statements and modules: each would be a series of its own.
"""

from __future__ import annotations

from math import isfinite

from perfkit.model.gate import Verdict
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import visible

Sample = tuple[dict[str, str], float]


def render(verdict: Verdict, options: RenderOptions) -> str:
    cpu = [one for one in verdict.times if one.clock == "cpu"]
    seconds = [({"unit": one.unit}, one.baseline, one.current) for one in cpu]
    changes: list[Sample] = [({"unit": one.unit, "clock": one.clock}, one.change) for one in verdict.times]
    counts = [
        ({"unit": one.key.unit, "what": one.key.what}, one.baseline, one.current)
        for one in verdict.counts
        if not one.key.name
    ]
    passed: list[Sample] = [({}, 1.0 if verdict.answer == "pass" else 0.0)]
    lines = [
        *_gauge("perfkit_gate_passed", "1 where the gate passed, 0 where it failed or has no answer", passed),
        *_gauge("perfkit_gate_cpu_seconds", "CPU time of one request", _sides(seconds), "seconds"),
        *_gauge("perfkit_gate_change_ratio", "Change of a time, a share of the baseline", changes, "ratio"),
        *_gauge("perfkit_gate_count", "What is counted of one request", _sides(counts)),
        "# EOF",
    ]
    return "".join(line + "\n" for line in lines)


def _sides(judged: list[tuple[dict[str, str], float, float]]) -> list[Sample]:
    return [
        ({**labels, "side": side}, value)
        for labels, baseline, current in judged
        for side, value in (("baseline", baseline), ("current", current))
    ]


def _gauge(name: str, means: str, samples: list[Sample], unit: str = "") -> list[str]:
    # Names that differ in what is spelled out only would be one series twice, which readers refuse: the first one stays.
    series: dict[str, float] = {}
    for labels, value in samples:
        if isfinite(value):
            series.setdefault(name + _labels(labels), value)
    head = [f"# TYPE {name} gauge", *([f"# UNIT {name} {unit}"] if unit else []), f"# HELP {name} {means}"]
    return [*head, *(f"{one} {float(value)!r}" for one, value in series.items())]


def _labels(labels: dict[str, str]) -> str:
    listed = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{listed}}}" if listed else ""


def _escaped(value: str) -> str:
    return visible(value).replace("\\", "\\\\").replace('"', '\\"')
