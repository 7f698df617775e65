"""What of a suite is worth timing: how long each test took comes in; the units to be timed go out, as many as there is time for.

Tests that take five milliseconds and more are timed alone, the longest first. The others are run together, those of a file one
after another, so that a turn has something to measure. Files that take less than that are one unit, and so are all, where there is no
time for each. What is shorter still drowns, and would only leave the gate without an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

SHORT = "::(short tests)"
OTHERS = "(the other tests)"
# CPU seconds.
_ALONE = 0.005
# Every unit that is looked at shares the error, and makes it harder to see each.
_MOST_ALONE = 20
_MOST_FILES = 10
# As of servers: a turn lasts about so long, and a pair is turns for so long, so that what comes over the machine hits both sides.
TURN = 0.01
_PAIR = 0.25
_MOST_TURNS = 25
# By then most units are decided.
_PAIRS = 12


class Tried(NamedTuple):
    """Seconds of one repeat: CPU of the call phase, and all that passed, fixtures included."""

    cpu: float
    elapsed: float


class Plan(NamedTuple):
    """The tests of each unit; how many are too short to be timed even together, and for how many there is no time."""

    units: dict[str, tuple[str, ...]]
    short: int
    no_time: int


def plan(tried: Mapping[str, Tried], seconds: float, named: Collection[str] = ()) -> Plan:
    """`named` are timed alone, whatever they take: a budget asks for them."""
    units: dict[str, tuple[str, ...]] = {test: (test,) for test in tried if test in named}
    left = seconds - sum(_seconds(tried[test].elapsed) for test in units)
    long = sorted((test for test in tried if tried[test].cpu >= _ALONE), key=lambda test: -tried[test].cpu)
    for test in [test for test in long if test not in units][:_MOST_ALONE]:
        costs = _seconds(tried[test].elapsed)
        if costs <= left / 2:  # half of what is left is for all that follows
            units[test] = (test,)
            left -= costs
    rest = [test for test in tried if test not in units]
    files = _by_file(rest, tried)
    costs = sum(_seconds(_sum(tests, tried).elapsed) for tests in files.values())
    if len(files) <= _MOST_FILES and costs <= left:
        units |= files
        left -= costs
        rest = [test for test in rest if not any(test in tests for tests in files.values())]
    others = _that_fit(rest, tried, left)
    if _sum(others, tried).cpu >= _ALONE:
        return Plan({**units, OTHERS: others}, 0, len(rest) - len(others))
    return Plan(units, len(others), len(rest) - len(others))


def _by_file(tests: Sequence[str], tried: Mapping[str, Tried]) -> dict[str, tuple[str, ...]]:
    """Of files whose tests take long enough together."""
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.partition("::")[0], []).append(test)
    worth = {file: own for file, own in files.items() if _sum(own, tried).cpu >= _ALONE}
    return {own[0] if len(own) == 1 else file + SHORT: tuple(own) for file, own in worth.items()}


def turns_of(elapsed: float) -> int:
    """How many turns make a pair, of a unit whose turn lasts so long."""
    return max(1, min(_MOST_TURNS, round(2 * _PAIR / max(elapsed, TURN))))


def _seconds(elapsed: float) -> float:
    return _PAIRS * 2 * max(_PAIR, elapsed)


def _sum(tests: Collection[str], tried: Mapping[str, Tried]) -> Tried:
    return Tried(sum(tried[test].cpu for test in tests), sum(tried[test].elapsed for test in tests))


def _that_fit(tests: list[str], tried: Mapping[str, Tried], left: float) -> tuple[str, ...]:
    """The shortest, as many as one unit has time for; in their order."""
    total = 0.0
    kept = set()
    for test in sorted(tests, key=lambda test: tried[test].elapsed):
        total += tried[test].elapsed
        if _seconds(total) > left:
            break
        kept.add(test)
    return tuple(test for test in tests if test in kept)
