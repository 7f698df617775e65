"""Baselines: what was counted comes in, a JSON document that people can read and compare goes out, and the other way round.

Counts hold on every machine. Times are in the document for histories only, with the machine that they are of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from perfkit.errors import PerfkitError
from perfkit.gate.revisions import NOT_COMPARABLE
from perfkit.model.gate import Baseline, Counted, CountKey, Counts

SCHEMA: Final = "perfkit.baseline/1"
FILE: Final = "perfkit-baseline.json"
# Characters. One of ten thousand endpoints with ten statements each is smaller.
LONGEST: Final = 50_000_000
_KNOWN = frozenset(get_args(Counted))
# There are thousands of them, which nobody would review; their sums are kept.
SUMS_ONLY: Final = frozenset({"call", "import"})
_AGAIN = "perfkit gate record -- COMMAND writes a new one"

Object = dict[str, Any]


def document(baseline: Baseline) -> str:
    """Counts are of one repeat; where processes differed, a list with one number each."""
    units = sorted({unit for counts in baseline.counts for unit in counts.repeats})
    found: Object = {
        "schema": SCHEMA,
        "commit": baseline.commit,
        "python": baseline.python,
        "system": baseline.system,
        "command": baseline.command,
        "units": {unit: _unit(unit, baseline.counts) for unit in units},
    }
    if baseline.cpu:
        cpu = {unit: round(seconds, 6) for unit, seconds in sorted(baseline.cpu.items())}
        found["times"] = {"machine": baseline.machine, "cpu": cpu}
    return json.dumps(found, indent=1) + "\n"


def _unit(unit: str, processes: tuple[Counts, ...]) -> Object:
    repeats = max(counts.repeats.get(unit, 0) for counts in processes)
    found: Object = {"repeats": repeats}
    keys = {key for counts in processes for key in counts.totals if key.unit == unit and key.what not in SUMS_ONLY}
    for key in sorted(keys, key=lambda key: (key.name != "", key.what, key.name)):
        each = [_number(counts.totals.get(key, 0) / n) for counts in processes if (n := counts.repeats.get(unit, 0))]
        value = each[0] if len(set(each)) == 1 else each
        if key.name:
            found.setdefault("named", {}).setdefault(key.what, {})[key.name] = value
        else:
            found[key.what] = value
    return found


def _number(value: float) -> float:
    return int(value) if value == int(value) else round(value, 9)


def parse(text: str, source: str) -> Baseline:
    """Raises PerfkitError (3), which names `source`, where it is none, or of another version."""
    if len(text) > LONGEST:
        raise PerfkitError(f"{source} is too large to be a baseline.", _AGAIN, NOT_COMPARABLE)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise PerfkitError(f"{source} is no baseline: it is not JSON.", _AGAIN, NOT_COMPARABLE) from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        what = (
            "is no baseline" if not isinstance(schema, str) else f"has the schema {schema[:40]!r}, and not {SCHEMA!r}"
        )
        raise PerfkitError(f"{source} {what}.", _AGAIN, NOT_COMPARABLE)
    try:
        return _baseline(found)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise PerfkitError(f"{source} is damaged.", _AGAIN, NOT_COMPARABLE) from None


def _baseline(found: Object) -> Baseline:
    times = found.get("times") or {}
    return Baseline(
        counts=_counts(found["units"]),
        python=str(found["python"]),
        system=str(found["system"]),
        command=str(found["command"]),
        commit=None if found["commit"] is None else str(found["commit"]),
        cpu={str(unit): float(seconds) for unit, seconds in times.get("cpu", {}).items()},
        machine=str(times.get("machine", "")),
    )


def _counts(units: Mapping[str, Object]) -> tuple[Counts, ...]:
    """As many as the longest list of numbers; what is one number counts for each."""
    values = {key: value for unit, content in units.items() for key, value in _values(unit, content)}
    repeats = {unit: int(content["repeats"]) for unit, content in units.items()}
    processes = max((len(value) for value in values.values() if isinstance(value, list)), default=2)
    return tuple(
        Counts({key: round(_of(value, n) * repeats[key.unit]) for key, value in values.items()}, repeats)
        for n in range(processes)
    )


def _values(unit: str, content: Object) -> list[tuple[CountKey, Any]]:
    """What a newer perfkit counts beside that is left out: it would seem to have come to 0."""
    found = [(CountKey(unit, what), value) for what, value in content.items() if what in _KNOWN]  # type: ignore[arg-type]
    for what, named in content.get("named", {}).items():
        found += [(CountKey(unit, what, str(name)), value) for name, value in named.items() if what in _KNOWN]
    return found


def _of(value: Any, process: int) -> float:
    one = value[min(process, len(value) - 1)] if isinstance(value, list) else value
    if isinstance(one, bool) or not 0 <= float(one) < 1e15:
        raise ValueError(one)
    return float(one)
