"""Findings room: how often a function was called, and by whom, becomes evidence of the findings in it. It changes no rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from perfkit.model.counted import WINDOW, Counted, Neighbour
from perfkit.model.finding import Evidence, Finding, Place
from perfkit.shared import units

# From this part of its calls on, a caller is the one to look at.
_LEAST = 0.5
_NEARLY_ALL = 0.99


def with_calls(findings: Sequence[Finding], counted: Sequence[Counted]) -> tuple[Finding, ...]:
    return tuple(_with(finding, counted) for finding in findings)


def _with(finding: Finding, counted: Sequence[Counted]) -> Finding:
    where = finding.where
    found = next((one for one in counted if where is not None and _is_of(one, where)), None)
    if found is None or not found.calls:
        return finding
    value, often = _often(found)
    main = _main(found)
    by, place = _by(main, found)
    claim = f"Called {often}{by}."
    unit = "calls/req" if found.per_request else "calls"
    return replace(finding, evidence=(*finding.evidence, Evidence(claim, value, unit, where=place)))


def _is_of(counted: Counted, where: Place) -> bool:
    function = counted.function
    return (function.file, function.function) == (where.file, where.function) and function.line <= where.line


def _often(found: Counted) -> tuple[float, str]:
    """A number and its words: calls of a request where those were counted."""
    each = found.per_request
    if each is None or each < 1:
        among = f"{units.plural(found.requests, 'request')}" if found.requests else units.seconds(found.seconds)
        return (found.calls if each is None else each), f"{units.plural(found.calls, 'time')} in {among}"
    number = units.count(each) if each >= 100 else f"{each:.3g}"
    return each, f"{number} {'time' if number == '1' else 'times'} a request"


def _main(found: Counted) -> Neighbour | None:
    """Who calls it most, itself apart."""
    others = [one for one in found.callers if one.frame is not None and one.frame != found.function]
    return others[0] if others else None


def _by(main: Neighbour | None, found: Counted) -> tuple[str, Place | None]:
    frame = main.frame if main is not None else None
    outside = found.calls - found.recursive
    itself = f", {units.share(found.recursive / found.calls)} of them by itself" if found.recursive else ""
    if main is None or frame is None or main.calls < _LEAST * outside:
        return itself, None
    most = main.calls / outside
    how = "" if most == 1 else "almost always " if most > _NEARLY_ALL else f"in {units.share(most)} of cases "
    if frame.file == WINDOW.file:
        return f"{itself}, {how}for {frame.function.partition(':')[2] or frame.function}", None
    name = frame.function.replace("<locals>.", "")
    name = name if name.endswith(">") else f"{name}()"
    place = Place(frame.file, frame.line, frame.function, frame.origin)
    return f"{itself}, {how}by {name} ({PurePath(frame.file).name}:{frame.line})", place
