"""A command that ends by itself, run whole on one side and then on the other."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.pipeline.gating.counting import NOT_MEASURED
from perfkit.pipeline.gating.sides import Side, last_words
from perfkit.pipeline.gating.turns import Turn, Turns
from perfkit.targets.launch import Launched

_TICK = 0.002


class Scripts(Turns):
    """Both sides, launched anew each time with the same hash seed."""

    def __init__(self, sides: Sequence[Side], folder: Path) -> None:
        self._begun = False
        self._sides = [(side, folder / f"{side.name}-timed.log") for side in sides]

    def begin(self, units: Sequence[str]) -> None:
        """The first time files are read into the page cache, and byte code is written. Processes are always fresh."""
        if not self._begun:
            self._begun = True
            for side, output in self._sides:
                _run(side, output)

    def pair(self, unit: str, number: int) -> tuple[Turn, Turn]:
        order = self._sides if number % 2 else self._sides[::-1]
        taken = [_run(side, output) for side, output in order]
        return (taken[0], taken[1]) if number % 2 else (taken[1], taken[0])


def _run(side: Side, output: Path) -> Turn:
    output.unlink(missing_ok=True)
    before, began = _cpu(), time.perf_counter()
    launched = Launched.start(side.seeded(0, output), {})
    try:
        while launched.poll() is None:
            time.sleep(_TICK)
    finally:
        if launched.poll() is None:
            launched.stop(grace=5.0)
    wall = time.perf_counter() - began
    if launched.poll():
        raise PerfkitError(
            f"the {side.name} ended with {launched.poll()}: {last_words(output)}.", "run it by hand first", NOT_MEASURED
        )
    return Turn(_cpu() - before, wall, (wall,))


def _cpu() -> float:
    """Of children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
