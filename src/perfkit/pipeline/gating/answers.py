"""Answers: what the URLs of a side answered comes in; those that its revision does not have goes out."""

from __future__ import annotations

from collections.abc import Mapping, Set

from perfkit.model.gate import Counts
from perfkit.model.recording import Recording

_NOT_THERE = frozenset({404, 405})


def not_there(recording: Recording, units: Mapping[str, str]) -> frozenset[str]:
    """Labels of the URLs that were always answered by 404 or 405, which lead to no endpoint that other URLs lead to as well: where
    none answers otherwise it is the server that is wrong. `units` are endpoints by label."""
    answers: dict[str, set[int]] = {}
    for request in recording.requests:
        if request.source == "load":
            answers.setdefault(request.endpoint, set()).add(request.status)
    missing = {label for label, statuses in answers.items() if statuses <= _NOT_THERE}
    there = {units[label] for label in answers.keys() - missing}
    return frozenset(label for label in missing if there and units[label] not in there)


def without(counts: Counts, units: Set[str]) -> Counts:
    return Counts(
        {key: n for key, n in counts.totals.items() if key.unit not in units},
        {unit: n for unit, n in counts.repeats.items() if unit not in units},
        {key: place for key, place in counts.places.items() if key.unit not in units},
    )
