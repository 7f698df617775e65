"""The only place that knows the order of the rooms: target → collectors → recording → analysis → findings → report.

- `measure` launches or attaches and leaves a recording; `report_of` and `render` make a report of one, again and elsewhere;
  `diagnose` tells whether measuring works here.
- `watch` gives a report on the last seconds of a running process, again and again.
- `gate` compares two revisions, or one with a baseline that `keep_baseline` kept; `accept`, `breaches_at_length` and `history` are about
  what gates said before. `diff` compares two recordings, `diff_revisions` two revisions.
- `zoom` runs a command again to follow the lines of what a recording ranks highest.
- `digest`, `digest_on_dask`, `follow`, `record_log` and `join_log` do the same for a database's log; `plan_one` and `add_plans` ask a database for plans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.pipeline.diagnosing import diagnose
    from perfkit.pipeline.diffing import diff
    from perfkit.pipeline.gating.calibrating import calibrate
    from perfkit.pipeline.gating.comparing import diff_revisions
    from perfkit.pipeline.gating.gate import GateOptions, gate
    from perfkit.pipeline.gating.looking_back import accept, breaches_at_length, history, last_verdict, remember
    from perfkit.pipeline.gating.stored import keep_baseline
    from perfkit.pipeline.logs import Digested, digest, digest_on_dask, follow, join_log, record_log
    from perfkit.pipeline.measuring import measure
    from perfkit.pipeline.plans import add_plans, check_dsn, plan_one
    from perfkit.pipeline.reporting import render, report_of, with_links
    from perfkit.pipeline.values import Measured, Options, Progress
    from perfkit.pipeline.watching import watch
    from perfkit.pipeline.zooming import zoom

__all__ = [
    "Digested",
    "GateOptions",
    "Measured",
    "Options",
    "Progress",
    "accept",
    "add_plans",
    "breaches_at_length",
    "calibrate",
    "check_dsn",
    "diagnose",
    "diff",
    "diff_revisions",
    "digest",
    "digest_on_dask",
    "follow",
    "gate",
    "history",
    "join_log",
    "keep_baseline",
    "last_verdict",
    "measure",
    "plan_one",
    "record_log",
    "remember",
    "render",
    "report_of",
    "watch",
    "with_links",
    "zoom",
]

_HOMES = {
    "accept": "gating.looking_back",
    "add_plans": "plans",
    "breaches_at_length": "gating.looking_back",
    "calibrate": "gating.calibrating",
    "check_dsn": "plans",
    "Digested": "logs",
    "diagnose": "diagnosing",
    "diff": "diffing",
    "diff_revisions": "gating.comparing",
    "GateOptions": "gating.gate",
    "gate": "gating.gate",
    "history": "gating.looking_back",
    "keep_baseline": "gating.stored",
    "last_verdict": "gating.looking_back",
    "remember": "gating.looking_back",
    "digest": "logs",
    "digest_on_dask": "logs",
    "follow": "logs",
    "join_log": "logs",
    "measure": "measuring",
    "plan_one": "plans",
    "record_log": "logs",
    "render": "reporting",
    "report_of": "reporting",
    "watch": "watching",
    "with_links": "reporting",
    "zoom": "zooming",
    "Measured": "values",
    "Options": "values",
    "Progress": "values",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
