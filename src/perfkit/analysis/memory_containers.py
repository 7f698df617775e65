"""Containers that the probe looked at again and again come in; what only grew goes out, with the endpoints that filled it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from perfkit.analysis import fillers
from perfkit.analysis.fillers import Filler
from perfkit.analysis.trends import declines, is_steady
from perfkit.model.growth import Growing
from perfkit.model.memory import Container
from perfkit.model.recording import Request

_LEAST_LOOKS = 4


# Of the requests of each endpoint in one process, the seconds at which they ended, in order.
Ends = Mapping[str, Sequence[float]]


def read(
    containers: Sequence[Container], requests: Mapping[int, Sequence[Request]], begin: float
) -> tuple[Growing, ...]:
    """Those that grew most come first. `requests` by process, `begin` is the second from which on the target is measured."""
    looks: defaultdict[str, defaultdict[int, list[Container]]] = defaultdict(lambda: defaultdict(list))
    for look in containers:
        if look.at >= begin:
            looks[look.name][look.process].append(look)
    ends = {process: _ends(those) for process, those in requests.items()} if looks else {}
    found = [_grown(by_process, ends) for by_process in looks.values()]
    return tuple(sorted(filter(None, found), key=lambda grown: (-grown.grown_bytes, -grown.grown, grown.name)))


def _ends(requests: Sequence[Request]) -> Ends:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for request in requests:
        found[request.endpoint].append(request.start + request.seconds)
    return {endpoint: sorted(seconds) for endpoint, seconds in found.items()}


def _grown(by_process: Mapping[int, Sequence[Container]], ends: Mapping[int, Ends]) -> Growing | None:
    """All processes together; None where it did not grow, or shrank now and then."""
    kept = {process: rows for process, rows in by_process.items() if _only_grows(rows)}
    if not kept:
        return None
    most = max(kept.values(), key=len)
    last = most[-1]
    looks = list(kept.values())
    by_endpoint = [_ended(rows, ends.get(process, {})) for process, rows in kept.items()]
    ended = [
        [sum(counts) for counts in zip(*found.values(), strict=True)] or [0] * len(rows)
        for found, rows in zip(by_endpoint, looks, strict=True)
    ]
    filler = fillers.of(looks, by_endpoint)
    return Growing(
        name=last.name,
        kind=last.kind,
        file=last.file,
        line=last.line,
        processes=tuple(sorted(kept)),
        length=sum(rows[-1].length for rows in kept.values()),
        grown=sum(rows[-1].length - rows[0].length for rows in kept.values()),
        grown_bytes=sum(max(0, rows[-1].size - rows[0].size) for rows in kept.values()),
        seconds=most[-1].at - most[0].at,
        looks=len(most),
        steady=_is_steady(looks, ended, filler, is_steady([(one.at, one.length) for one in most])),
        requests=sum(counts[-1] - counts[0] for counts in ended),
        bound=last.bound,
        hits=None if last.hits is None else sum(rows[-1].hits or 0 for rows in kept.values()),
        misses=None if last.misses is None else sum(rows[-1].misses or 0 for rows in kept.values()),
        filled_by=filler.endpoint if filler is not None and filler.alone else None,
        per_request=filler.each if filler is not None and filler.alone else 0.0,
    )


def _is_steady(
    looks: Sequence[Sequence[Container]], ended: Sequence[Sequence[int]], filler: Filler | None, in_time: bool
) -> bool:
    """By the requests of whom it grows with. By all of them and in time as well where that is not sure: each alone tells less, for
    load comes and goes, and its mix."""
    if filler is None:
        return in_time
    if declines(_steps(looks, filler.ended)):
        return False
    return filler.alone or (in_time and not declines(_steps(looks, ended)))


def _steps(looks: Iterable[Sequence[Container]], counts: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """(requests, entries added) from each look to the next; each process's first come first."""
    return [
        (n - before_n, row.length - before.length)
        for rows, column in zip(looks, counts, strict=True)
        for (before, before_n), (row, n) in pairwise(zip(rows, column, strict=True))
    ]


def _ended(rows: Sequence[Container], ends: Ends) -> dict[str, list[int]]:
    """How many requests of each endpoint had ended at each look."""
    return {endpoint: [bisect_left(seconds, row.at) for row in rows] for endpoint, seconds in ends.items()}


def _only_grows(rows: Sequence[Container]) -> bool:
    lengths = [row.length for row in rows]
    steps = list(pairwise(lengths))
    rising = sum(late > early for early, late in steps)
    return len(rows) >= _LEAST_LOOKS and rising >= 3 and all(late >= early for early, late in steps)
