"""Reports room: the sampled stacks as a processed profile of the Firefox Profiler (https://profiler.firefox.com).

https://github.com/firefox-devtools/profiler/blob/main/src/types/profile.ts as of version 60, which newer ones upgrade.
A report comes in; one thread goes out, a sample a distinct stack, one after the other in the order of the analysis: when
each was seen is not known.
"""

from __future__ import annotations

import json
from typing import Any

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.samples import Place, Sampled, sampled
from perfkit.reports.visible import visible

_VERSION, _GECKO_VERSION = 60, 32
# By origin; grey is what the viewer takes for all that has none.
_CATEGORIES = {
    "app": ("Project code", "blue"),
    "library": ("Libraries", "green"),
    "stdlib": ("Standard library", "lightblue"),
    "native": ("Native", "darkgrey"),
    "database": ("Database", "orange"),
    "waiting": ("Waiting", "yellow"),
    "route": ("Requests", "purple"),
    "": ("Other", "grey"),
}
_NUMBER = {origin: number for number, origin in enumerate(_CATEGORIES)}
_MS = 1e3

Table = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """Raises PerfkitError without stacks."""
    analysis = report.analysis
    found = sampled(analysis, "firefox")
    stack_table, samples = _samples(found)
    document = {
        "meta": _meta(analysis),
        "libs": [],
        "shared": {"stackTable": stack_table, **_frames(found)},
        "threads": [_thread(analysis, samples)],
    }
    return json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"


def _meta(analysis: Analysis) -> Table:
    run = analysis.run
    return {
        "interval": _MS / run.rate if run.rate else 1.0,
        "startTime": run.started * _MS,
        "processType": 0,
        "product": visible(run.command),
        "stackwalk": 0,
        "version": _GECKO_VERSION,
        "preprocessedProfileVersion": _VERSION,
        "categories": [
            {"name": name, "color": color, "subcategories": ["Other"]} for name, color in _CATEGORIES.values()
        ],
        "markerSchema": [],
        "symbolicated": True,
        "platform": visible(run.platform),
        "logicalCPUs": run.cores,
        "importedFrom": f"perfkit {run.perfkit_version}",
        "usesOnlyOneStackType": True,
        "sourceCodeIsNotOnSearchfox": True,
    }


def _samples(found: Sampled) -> tuple[Table, Table]:
    """The tree of stacks, parents before their children, and the samples at its nodes."""
    nodes: dict[tuple[int | None, int], int] = {}
    times, weights, leaves = [], [], []
    now = 0.0
    for stack, time in found.rows:
        node: int | None = None
        for number in stack:
            node = nodes.setdefault((node, number), len(nodes))
        leaves.append(node)
        times.append(now)
        weights.append(time.seconds * _MS)
        now += weights[-1]
    stacks = {"frame": [frame for _, frame in nodes], "prefix": [prefix for prefix, _ in nodes], "length": len(nodes)}
    samples = {"stack": leaves, "time": times, "weight": weights, "weightType": "tracing-ms", "length": len(leaves)}
    return stacks, samples


def _frames(found: Sampled) -> Table:
    """A frame for each place, a function for each name in a file, a source for each file."""
    strings: dict[str, int] = {}
    files: dict[str, int] = {}
    functions: dict[tuple[str, str], int] = {}
    for place in found.places:
        shown = place.shown
        functions.setdefault((shown.file, shown.name), len(functions))
        if shown.file:
            files.setdefault(shown.file, len(files))
    names = [strings.setdefault(name, len(strings)) for _, name in functions]
    sources = [strings.setdefault(file, len(strings)) for file in files]
    return {
        "frameTable": _frame_table(found.places, functions),
        "funcTable": {
            "name": names,
            "isJS": [False] * len(names),
            "relevantForJS": [False] * len(names),
            "resource": [-1] * len(names),
            "source": [files.get(file) for file, _ in functions],
            **{column: [None] * len(names) for column in ("lineNumber", "columnNumber")},
            "length": len(names),
        },
        "resourceTable": _empty("lib", "name", "host", "type"),
        "nativeSymbols": _empty("libIndex", "address", "name", "functionSize"),
        "sources": {"uuid": [None] * len(sources), "filename": sources, "length": len(sources)},
        "stringArray": list(strings),
    }


def _frame_table(places: tuple[Place, ...], functions: dict[tuple[str, str], int]) -> Table:
    shown = [place.shown for place in places]
    count = len(shown)
    return {
        "address": [-1] * count,
        "inlineDepth": [0] * count,
        "category": [_NUMBER.get(each.origin, _NUMBER[""]) for each in shown],
        "subcategory": [0] * count,
        "func": [functions[each.file, each.name] for each in shown],
        **{column: [None] * count for column in ("nativeSymbol", "innerWindowID", "column")},
        "line": [each.line or None for each in shown],
        "length": count,
    }


def _thread(analysis: Analysis, samples: Table) -> Table:
    return {
        "processType": "default",
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "name": f"measured {analysis.unit}",
        "isMainThread": True,
        "processName": visible(analysis.run.command),
        "pid": "0",
        "tid": 0,
        "samples": samples,
        "markers": _empty("data", "name", "startTime", "endTime", "phase", "category"),
    }


def _empty(*columns: str) -> Table:
    return {**{column: [] for column in columns}, "length": 0}
