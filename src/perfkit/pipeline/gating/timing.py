"""Timing: pairs of turns, as many as it takes to say something of each unit, within a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perfkit.gate.paired import LOOKS, Rules, judge, looks
from perfkit.model.gate import TimeJudged
from perfkit.pipeline.gating.turns import NotRepeatableError, Turn, Turns

# What a wait for other processes and for the machine adds is twice as noisy as CPU time: it is looked at as well, and does not
# keep the measurement going.
_WALL_ENOUGH = 16
# Processes live for so many looks.
_AS_LONG = 2


@dataclass
class Timed:
    """One unit: its pairs (baseline, current), and what is said of its CPU and wall time."""

    pairs: list[tuple[Turn, Turn]] = field(default_factory=list)
    cpu: TimeJudged | None = None
    wall: TimeJudged | None = None

    @property
    def undecided(self) -> bool:
        if self.cpu is None or self.wall is None or self.cpu.status == "unknown":
            return True
        if self.cpu.status == "slower":
            return False
        return self.wall.status == "unknown" and len(self.pairs) < _WALL_ENOUGH


def timed(
    turns: Turns,
    units: Sequence[str],
    rules: Mapping[str, tuple[Rules, Rules]],
    seconds: float,
    say: Callable[[str, int, int], None],
) -> dict[str, Timed]:
    """By unit; `rules` are those of its CPU and wall time. Every unit that is undecided gets a pair in turn, for `seconds` or until
    all are decided; one that cannot be repeated is left out. `say` is told the unit, its pairs, and how many units are still undecided."""
    found = {unit: Timed() for unit in units}
    until = time.monotonic() + seconds
    for number, look in enumerate(looks(next(iter(rules.values()))[0]) if rules else ()):
        open_ = [unit for unit in found if found[unit].undecided]
        if not open_:
            break
        if number % _AS_LONG == 0:
            turns.begin(open_)
        in_time = _up_to(look, open_, found, turns, until, say)
        for unit in filter(found.__contains__, open_):
            _judge(unit, found[unit], rules[unit], len(units), last=not in_time)
        if not in_time:
            break
    return found


def _up_to(
    look: int,
    units: Sequence[str],
    found: dict[str, Timed],
    turns: Turns,
    until: float,
    say: Callable[[str, int, int], None],
) -> bool:
    """Whether all got as many pairs, in time. The first look is taken whatever it costs: less says nothing."""
    while True:
        left = [unit for unit in units if unit in found]
        behind = [unit for unit in left if len(found[unit].pairs) < look]
        if not behind:
            return True
        for unit in behind:
            if time.monotonic() > until and min(len(found[one].pairs) for one in left if one in found) >= LOOKS[0]:
                return False
            number = len(found[unit].pairs)
            try:
                found[unit].pairs.append(turns.pair(unit, number))
            except NotRepeatableError:
                del found[unit]
                continue
            say(unit, number + 1, len(units))


def _judge(unit: str, timed: Timed, rules: tuple[Rules, Rules], units: int, *, last: bool) -> None:
    last = last or len(timed.pairs) >= rules[0].pairs
    # Two clocks for each unit share the error.
    tests = 2 * units
    # What was decided once stays so: a later look would be another chance to be wrong.
    if timed.cpu is None or timed.cpu.status == "unknown":
        timed.cpu = judge(unit, "cpu", [(b.cpu, c.cpu) for b, c in timed.pairs], rules[0], tests, last=last)
    if timed.wall is None or timed.wall.status == "unknown":
        timed.wall = judge(unit, "wall", [(b.wall, c.wall) for b, c in timed.pairs], rules[1], tests, last=last)


def wall_rules(rules: Rules) -> Rules:
    """For what waits count in: a change must be larger to be meant."""
    return replace(rules, least=max(0.05, rules.least), resolution=max(0.10, rules.resolution))
