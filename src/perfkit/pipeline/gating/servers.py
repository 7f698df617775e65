"""Two living servers that take turns: some requests to one, as many to the other, over and over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.model.target import Load
from perfkit.pipeline.gating.counting import NOT_MEASURED
from perfkit.pipeline.gating.one_cpu import OneCpu
from perfkit.pipeline.gating.sides import Side, last_words
from perfkit.pipeline.gating.turns import Turn, Turns, together
from perfkit.shared import cputime, processes
from perfkit.targets.address import Address, parse
from perfkit.targets.launch import Launched
from perfkit.targets.load import Client
from perfkit.targets.ready import Ready

# A turn lasts about so long, and is as many requests on both sides. The shorter, the more of what comes over the machine hits both
# sides alike: at a load of 14 a pair of turns of 50 ms strayed by 4.4 %, one of 10 ms by 2.1 %. A pair is turns for so long.
_TURN = 0.01
_PAIR = 0.25
_FEWEST = 5
_MOST = 25
_WARM = 5
_TICK = 0.02


class _Living:
    """One revision's server."""

    def __init__(self, side: Side, launched: Launched, output: Path) -> None:
        self._side, self._launched, self._output = side, launched, output
        self._client = Client()
        self._addresses: dict[str, list[Address]] = {}

    def serves(self, units: Mapping[str, str]) -> None:
        for url in self._side.urls:
            where = parse(url)
            self._addresses.setdefault(units.get(where.endpoint, where.endpoint), []).append(where)

    def turn(self, unit: str, requests: int) -> Turn:
        """Seconds per request. Raises PerfkitError (5) where a request fails."""
        addresses = self._addresses[unit]
        waits = []
        before = self._cpu()
        for number in range(requests):
            began = time.perf_counter()
            status = self._client.ask(addresses[number % len(addresses)])
            waits.append(time.perf_counter() - began)
            if not 200 <= status < 400:
                raise self.failed(f"answers {unit} with {status or 'nothing'}")
        return Turn(cputime.between(before, self._cpu()) / requests, sum(waits) / requests, tuple(waits))

    @property
    def pid(self) -> int:
        return self._launched.pid

    def _pids(self) -> tuple[int, ...]:
        return self._launched.pid, *processes.descendants(self._launched.pid)

    def _cpu(self) -> dict[int, float]:
        return cputime.of_each(self._pids())

    def failed(self, how: str) -> PerfkitError:
        said = last_words(self._output)
        code = self._launched.poll()
        how = f"{how}; it has ended with {code}" if code is not None else how
        return PerfkitError(
            f"the {self._side.name} {how}{': ' + said if said else ''}.", "run it by hand first", NOT_MEASURED
        )


class Servers(Turns):
    """Both. They are started anew now and then: how a process happens to lie in memory makes it faster or slower by a percent
    or two for as long as it lives."""

    def __init__(self, sides: Sequence[Side], units: Sequence[Mapping[str, str]], folder: Path, timeout: float) -> None:
        """`units` are endpoints, by the labels of the URLs that lead to them on each side."""
        self._sides, self._units, self._folder, self._timeout = sides, units, folder, timeout
        self._running = ExitStack()
        self._living: list[_Living] = []
        self._requests: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._cpu = OneCpu()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.close()
        self._cpu.leave()

    def begin(self, units: Sequence[str]) -> None:
        """Raises PerfkitError (5) where one does not come up, or fails."""
        self._running.close()
        self._cpu.leave()
        self._living = [self._running.enter_context(_up(side, self._folder, self._timeout)) for side in self._sides]
        for one, names in zip(self._living, self._units, strict=True):
            one.serves(names)
        for unit in units:
            self._warm_up(unit)
        self._cpu.share(one.pid for one in self._living)

    def _warm_up(self, unit: str) -> None:
        """What a first request does, and how many make up a turn."""
        fastest = min(one.turn(unit, 1).wall for one in self._living for _ in range(_WARM))
        self._requests.setdefault(unit, max(1, round(_TURN / max(fastest, 1e-4))))
        turn = self._requests[unit] * max(fastest, 1e-4)
        self._turns.setdefault(unit, max(_FEWEST, min(_MOST, round(_PAIR / turn))))
        for one in self._living:
            one.turn(unit, 3 * max(_FEWEST, self._requests[unit]))

    def pair(self, unit: str, number: int) -> tuple[Turn, Turn]:
        """(baseline, current); who begins changes each time."""
        taken: dict[_Living, list[Turn]] = {one: [] for one in self._living}
        for at in range(number, number + self._turns[unit]):
            for one in self._living if at % 2 else self._living[::-1]:
                taken[one].append(one.turn(unit, self._requests[unit]))
        baseline, current = (together(taken[one]) for one in self._living)
        return baseline, current


@contextmanager
def _up(side: Side, folder: Path, timeout: float) -> Iterator[_Living]:
    """A server with the same hash seed as the other one, stopped at the end."""
    output = folder / f"{side.name}-timed.log"
    launched = Launched.start(side.seeded(0, output), {})
    living = _Living(side, launched, output)
    waiting = Ready(side.ready, Load(side.urls, None, 1))
    try:
        until = time.monotonic() + timeout
        while not waiting.poll():
            if launched.poll() is not None:
                raise living.failed("did not come up")
            if time.monotonic() > until:
                raise living.failed(f"did not answer within {timeout:.0f} s")
            time.sleep(_TICK)
        yield living
    finally:
        waiting.stop()
        launched.stop(grace=5.0)
