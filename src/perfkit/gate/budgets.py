"""Budgets: what users write in `[tool.perfkit.gate.budgets]` comes in, limits that can be compared go out.

queries = "+0"      p95 = "80ms"      cpu = "+5%"      rss_peak = "300MB"      calls = "+10%"

What stands below a pattern is of endpoints; below `fn:`, `sql:` or `host:` of one function, statement or host, in each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate import named_budgets
from perfkit.gate.named_budgets import NAMED
from perfkit.model.gate import Budget, CountKey

COUNTED: Final = ("queries", "rows", "connections", "commits", "imports", "external", "calls")
# Of these there may be so many that a share says more.
_LARGE: Final = ("rows", "calls")
# What is compared between both sides only, and what can also be held to a limit of its own.
COMPARED: Final = ("cpu", "wall")
TIMED: Final = (*COMPARED, "p50", "p95", "p99")
SIZED: Final = ("rss_peak",)
METRICS: Final = (*COUNTED, *TIMED, *SIZED)
EVERY: Final = "*"
# What no build may do unnoticed. Rows, imports and calls are shown, and judged where a budget says so.
DEFAULTS: Final = (
    Budget(EVERY, "queries", 0, relative=True, text="+0"),
    Budget(EVERY, "connections", 0, relative=True, text="+0"),
    Budget(EVERY, "commits", 0, relative=True, text="+0"),
    Budget(EVERY, "external", 0, relative=True, text="+0"),
)
_NUMBER = re.compile(r"(?P<plus>\+)?(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|[a-zA-Z]*)")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def read(table: Mapping[str, Any], source: str) -> tuple[Budget, ...]:
    """Of `{metric: limit}` for all units, and `{pattern: {metric: limit}}` for the units, or the functions, statements or hosts that
    it fits. Raises PerfkitError (2)."""
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
    kind, _, of = units.partition(":")
    if kind in NAMED and known != NAMED[kind][0]:
        raise PerfkitError(
            f"{source}: {metric} is not counted of {units!r}.", f"below {kind}: there can be {NAMED[kind][0]}", USAGE
        )
    text = str(limit)
    match = _NUMBER.fullmatch(text) if isinstance(limit, (str, int, float)) and not isinstance(limit, bool) else None
    value = _value(known, match) if match is not None else None
    if match is None or value is None:
        raise PerfkitError(f"{source}: {metric} cannot be {limit!r}.", _hint(known), USAGE)
    if known in SIZED and units != EVERY:
        raise PerfkitError(
            f"{source}: {metric} is of all processes together.", f"write {metric} outside of {units!r}", USAGE
        )
    share = known in _LARGE and match["unit"] == "%"
    where = (EVERY, of.strip()) if kind in NAMED else (units, "")
    return Budget(where[0], known, value, match["plus"] is not None, text, source, share, where[1])


def _value(metric: str, match: re.Match[str]) -> float | None:
    number, unit, relative = float(match["number"]), match["unit"], match["plus"] is not None
    if metric in COUNTED and not (metric in _LARGE and relative and unit == "%"):
        return None if unit else number
    if relative:
        return number / 100 if unit == "%" else None
    if metric in COMPARED:
        return None
    factor = (_SECONDS if metric in TIMED else _BYTES).get(unit)
    return None if factor is None else number * factor


def _hint(metric: str) -> str:
    if metric in COUNTED:
        more = ', or "+10%" for so much more' if metric in _LARGE else ""
        return f'write {metric} = 5, or {metric} = "+0" for no more than the baseline has{more}'
    if metric in COMPARED:
        return f'write {metric} = "+10%"; a limit in seconds can be given for p50, p95 and p99'
    example = "80ms" if metric in TIMED else "300MB"
    return f'write {metric} = "{example}", or {metric} = "+10%" for no more than that above the baseline'


def fits(budget: Budget, unit: str) -> bool:
    """By name or as a shell's pattern. Routes have brackets of their own, so a name that is equal always fits."""
    return budget.units in (EVERY, unit) or fnmatchcase(unit, budget.units)


def of_unit(budgets: Iterable[Budget], unit: str, metric: str) -> Budget | None:
    """The last one that fits decides: those of a pattern stand behind those of all."""
    fitting = [budget for budget in budgets if budget.metric == metric and not budget.of and fits(budget, unit)]
    exact = [budget for budget in fitting if budget.units != EVERY]
    return next(reversed(exact or fitting), None)


def check(budgets: Sequence[Budget], units: Iterable[str], keys: Iterable[CountKey] = ()) -> None:
    """Raises PerfkitError (2) for one that fits nothing: it would guard nothing, unnoticed. `keys` are what was counted."""
    there = sorted(units)
    counted = list(keys)
    for budget in budgets:
        if budget.of and not named_budgets.of_names([budget], counted):
            raise PerfkitError(
                f"{budget.source}: nothing that was counted fits {budget.of!r}.",
                named_budgets.nearest(budget, counted),
                USAGE,
            )
        if budget.units != EVERY and not any(fits(budget, unit) for unit in there):
            shown = ", ".join(there[:5]) + (" …" if len(there) > 5 else "")
            raise PerfkitError(
                f"{budget.source}: no endpoint fits {budget.units!r}.", f"measured were: {shown or 'none'}", USAGE
            )
