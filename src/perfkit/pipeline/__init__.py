"""The only place that knows the order of the rooms: target → collectors → recording → analysis → findings → report.

- `measure` launches or attaches and leaves a recording; `report_of` and `render` make a report of one, again and elsewhere;
  `diagnose` tells whether measuring works here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.pipeline.diagnosing import diagnose
    from perfkit.pipeline.measuring import measure
    from perfkit.pipeline.reporting import render, report_of, with_links
    from perfkit.pipeline.values import Measured, Options, Progress

__all__ = ["Measured", "Options", "Progress", "diagnose", "measure", "render", "report_of", "with_links"]

_HOMES = {
    "diagnose": "diagnosing",
    "measure": "measuring",
    "render": "reporting",
    "report_of": "reporting",
    "with_links": "reporting",
    "Measured": "values",
    "Options": "values",
    "Progress": "values",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
