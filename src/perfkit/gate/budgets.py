"""Budgets: what users write in `[tool.perfkit.gate.budgets]` comes in, limits that can be compared go out.

queries = "+0"      p95 = "80ms"      cpu = "+5%"      rss_peak = "300MB"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.gate import Budget

COUNTED: Final = ("queries", "rows", "connections", "commits", "imports")
# What is compared between both sides only, and what can also be held to a limit of its own.
COMPARED: Final = ("cpu", "wall")
TIMED: Final = (*COMPARED, "p50", "p95", "p99")
SIZED: Final = ("rss_peak",)
METRICS: Final = (*COUNTED, *TIMED, *SIZED)
EVERY: Final = "*"
# What no build may do unnoticed. Rows and imports are shown, and judged where a budget says so.
DEFAULTS: Final = (
    Budget(EVERY, "queries", 0, relative=True, text="+0"),
    Budget(EVERY, "connections", 0, relative=True, text="+0"),
    Budget(EVERY, "commits", 0, relative=True, text="+0"),
)
_NUMBER = re.compile(r"(?P<plus>\+)?(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|[a-zA-Z]*)")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def read(table: Mapping[str, Any], source: str) -> tuple[Budget, ...]:
    """Of `{metric: limit}` for all units, and `{pattern: {metric: limit}}` for those it fits. Raises PerfkitError (2)."""
    found: list[Budget] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += [_budget(key, metric, limit, source) for metric, limit in value.items()]
        else:
            found.append(_budget(EVERY, key, value, source))
    return tuple(found)


def _budget(units: str, metric: str, limit: object, source: str) -> Budget:
    known = metric.replace("-", "_")
    if known not in METRICS:
        raise PerfkitError(f"{source}: there is no budget for {metric}.", f"choose one of {', '.join(METRICS)}", USAGE)
    text = str(limit)
    match = _NUMBER.fullmatch(text) if isinstance(limit, (str, int, float)) and not isinstance(limit, bool) else None
    value = _value(known, match) if match is not None else None
    if match is None or value is None:
        raise PerfkitError(f"{source}: {metric} cannot be {limit!r}.", _hint(known), USAGE)
    if known in SIZED and units != EVERY:
        raise PerfkitError(
            f"{source}: {metric} is of all processes together.", f"write {metric} outside of {units!r}", USAGE
        )
    return Budget(units, known, value, match["plus"] is not None, text, source)


def _value(metric: str, match: re.Match[str]) -> float | None:
    number, unit, relative = float(match["number"]), match["unit"], match["plus"] is not None
    if metric in COUNTED:
        return None if unit else number
    if relative:
        return number / 100 if unit == "%" else None
    if metric in COMPARED:
        return None
    factor = (_SECONDS if metric in TIMED else _BYTES).get(unit)
    return None if factor is None else number * factor


def _hint(metric: str) -> str:
    if metric in COUNTED:
        return f'write {metric} = 5, or {metric} = "+0" for no more than the baseline has'
    if metric in COMPARED:
        return f'write {metric} = "+10%"; a limit in seconds can be given for p50, p95 and p99'
    example = "80ms" if metric in TIMED else "300MB"
    return f'write {metric} = "{example}", or {metric} = "+10%" for no more than that above the baseline'


def fits(budget: Budget, unit: str) -> bool:
    """By name or as a shell's pattern. Routes have brackets of their own, so a name that is equal always fits."""
    return budget.units in (EVERY, unit) or fnmatchcase(unit, budget.units)


def of_unit(budgets: Iterable[Budget], unit: str, metric: str) -> Budget | None:
    """The last one that fits decides: those of a pattern stand behind those of all."""
    fitting = [budget for budget in budgets if budget.metric == metric and fits(budget, unit)]
    exact = [budget for budget in fitting if budget.units != EVERY]
    return next(reversed(exact or fitting), None)


def check(budgets: Iterable[Budget], units: Iterable[str]) -> None:
    """Raises PerfkitError (2) for one that fits nothing: it would guard nothing, unnoticed."""
    there = sorted(units)
    for budget in budgets:
        if budget.units != EVERY and not any(fits(budget, unit) for unit in there):
            shown = ", ".join(there[:5]) + (" …" if len(there) > 5 else "")
            raise PerfkitError(
                f"{budget.source}: no endpoint fits {budget.units!r}.", f"measured were: {shown or 'none'}", USAGE
            )
