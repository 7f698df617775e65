"""Containers of a simulated server: who fills one is named, a cache that fills up is told from a leak, a step from growth."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from perfkit.analysis import memory_containers
from perfkit.analysis.trends import declines, is_steady
from perfkit.model.growth import Growing
from perfkit.model.memory import Container
from perfkit.model.recording import Request
from perfkit.targets.mix import Changing, InTurn

ENDPOINTS = ("GET /leak", "GET /price", "GET /steady", "GET /warm")
SECONDS, PER_SECOND = 34, 30
SEEDS = range(40)

Fills = Callable[[random.Random, str], int]


def _each(endpoint: str, *more: str) -> Fills:
    return lambda chance, asked: int(asked in (endpoint, *more))


def _one_in_four(chance: random.Random, asked: str) -> int:
    return int(asked == "GET /leak" and chance.random() < 0.25)


class _Fresh:
    """A cache of so many keys, asked for at random."""

    def __init__(self, keys: int) -> None:
        self._keys, self._known = keys, set[int]()

    def __call__(self, chance: random.Random, asked: str) -> int:
        if asked != "GET /warm":
            return 0
        before = len(self._known)
        self._known.add(chance.randrange(self._keys))
        return len(self._known) - before


def _grown(
    seed: int, fills: Fills, mix: type[InTurn] | type[Changing] = Changing, processes: int = 1
) -> Growing | None:
    containers: list[Container] = []
    requests: dict[int, list[Request]] = {}
    for process in range(1, processes + 1):
        chance = random.Random(seed * 10 + process)
        requests[process] = list(_requests(chance, mix, process))
        length, looked = 0, 3.0
        for request in requests[process]:
            while request.start >= looked:
                containers.append(_look(looked, process, length))
                looked += 2.0
            length += fills(chance, request.endpoint)
    found = memory_containers.read(containers, requests, 0.0)
    return found[0] if found else None


def _requests(chance: random.Random, mix: type[InTurn] | type[Changing], process: int) -> Iterator[Request]:
    """Two at a time: an entry is there before its request ends."""
    order, at = mix(len(ENDPOINTS)), 0.0
    while at < SECONDS:
        at += chance.expovariate(PER_SECOND)
        yield Request(ENDPOINTS[order.next(at)], at, chance.uniform(0.01, 0.06), 200, "probe", process, None, "wsgi")


def _look(at: float, process: int, length: int) -> Container:
    return Container(at, process, "shop.SEEN", "dict", "shop.py", 4, length, length * 1000)


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_who_fills_it_is_named(endpoint: str, processes: int) -> None:
    found = [_grown(seed, _each(endpoint), processes=processes) for seed in SEEDS]
    assert sum(one is not None and one.filled_by == endpoint for one in found) >= 38
    assert {one.filled_by for one in found if one} <= {endpoint, None}
    assert all(one.per_request == pytest.approx(1, rel=0.05) for one in found if one and one.filled_by)
    assert all(one and one.steady for one in found)


@pytest.mark.parametrize(
    ("fills", "mix"),
    [
        (_each("GET /leak", "GET /price"), Changing),
        (_each(*ENDPOINTS), Changing),
        (_each("GET /leak"), InTurn),
    ],
    ids=["two fill it", "all do", "ever the same mix"],
)
def test_nobody_is_named_where_nobody_alone_can_be(fills: Fills, mix: type[InTurn] | type[Changing]) -> None:
    found = [_grown(seed, fills, mix) for seed in SEEDS]
    assert sum(one is not None and one.filled_by is None for one in found) >= 38
    assert sum(one is not None and one.steady for one in found) >= 38


def test_what_some_requests_leave_goes_on() -> None:
    assert sum(one is not None and one.steady for one in (_grown(seed, _one_in_four) for seed in SEEDS)) >= 34


@pytest.mark.parametrize("keys", [100, 250, 400])
def test_a_cache_that_fills_up_does_not(keys: int) -> None:
    """Some 255 are asked for: 92, 64 and 47 % of what there is."""
    found = [_grown(seed, _Fresh(keys)) for seed in SEEDS]
    assert sum(one is None or not one.steady for one in found) >= 34


def test_a_single_step_is_no_growth() -> None:
    step = [(float(at), 70e6 + (60e6 if at > 20 else 0) + 1e5 * (at * 7 % 5)) for at in range(40)]
    assert not is_steady(step)
    assert is_steady([(float(at), 70e6 + 1e5 * at + 1e5 * (at * 7 % 5)) for at in range(40)])


def test_a_decline_is_more_than_noise() -> None:
    chance = random.Random(1)
    even = [[(20, sum(chance.random() < 0.5 for _ in range(20))) for _ in range(14)] for _ in range(200)]
    assert sum(map(declines, even)) <= 12
    assert declines([(20, 20 - at) for at in range(14)])
    assert declines([(20, 20)] * 5 + [(20, 0)] * 9)
    assert not declines([(20, 20)] * 14)
    assert not declines([(0, 0)] * 14)
    assert not declines([(20, at) for at in range(14)])
