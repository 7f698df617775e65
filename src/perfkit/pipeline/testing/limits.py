"""Limits of a test: what a mark or a `with` names comes in, what is above it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.in_test import METRICS, Above, Happened


def checked(args: tuple[Any, ...], limits: Mapping[str, Any], said: str) -> dict[str, int]:
    """`said` is how it is written. Raises PerfkitError (2)."""
    example = f"write {said}(queries=3)"
    if args:
        raise PerfkitError(f"{said}({', '.join(map(repr, args))}) does not say of what.", example, USAGE)
    if not limits:
        raise PerfkitError(f"{said}() names no limit.", example, USAGE)
    for metric, limit in limits.items():
        if metric not in METRICS:
            raise PerfkitError(f"{said} knows no {metric}.", f"choose of {', '.join(METRICS)}", USAGE)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise PerfkitError(f"{said}: {metric} cannot be {limit!r}.", "give a number, 0 and more", USAGE)
    return dict(limits)


def above(limits: Mapping[str, int], happened: Happened) -> list[Above]:
    return [
        Above(metric, limit, happened.totals[metric])
        for metric, limit in limits.items()
        if happened.totals[metric] > limit
    ]
