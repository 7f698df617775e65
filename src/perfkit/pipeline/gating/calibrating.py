"""Calibrating: the same commit on both sides, measured for a while without judging; what gates on this machine are worth goes out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from perfkit.gate import calibration
from perfkit.gate.revisions import baseline
from perfkit.gate.worktree import worktree
from perfkit.model.gate import WHOLE, Calibration
from perfkit.model.target import Command
from perfkit.pipeline.gating.counting import counted
from perfkit.pipeline.gating.gate import GateOptions, Say, turns
from perfkit.pipeline.gating.sides import both, moved
from perfkit.pipeline.gating.turns import NotRepeatableError, Turns

# Pairs of one pair of processes, as in a gate.
_ALIVE = 9
_FEWEST = 3  # pairs of processes: fewer say nothing about how they differ


def calibrate(command: Command, options: GateOptions, say: Say = lambda text: None) -> tuple[Calibration, ...]:
    """Both sides are HEAD, in work trees of their own. Raises PerfkitError as `gate` does."""
    revision = baseline(Path(command.cwd), "HEAD")
    with tempfile.TemporaryDirectory(prefix="perfkit-gate-") as place, worktree(revision, options.copied) as other:
        folder = Path(place)
        with both(command, revision, options.urls, options.ready, options.copied) as sides:
            current = moved(sides[1], revision.root, other)
            say("counting")
            countings = tuple(counted(side, folder, 1, options.ready_timeout) for side in (sides[0], current))
            units = sorted(set(countings[0].units.values()) or countings[0].tests or {WHOLE})
            until = time.monotonic() + options.seconds
            with turns((sides[0], current), (countings[0], countings[1]), folder, options) as living:
                runs = _runs(living, units, until, say)
    return tuple(calibration.calibrate(unit, found, options.rules, len(runs)) for unit, found in runs.items())


def _runs(living: Turns, units: Sequence[str], until: float, say: Say) -> dict[str, list[list[tuple[float, float]]]]:
    """CPU seconds of pairs, by unit and pair of processes."""
    runs: dict[str, list[list[tuple[float, float]]]] = {unit: [] for unit in living.chosen(units)}
    while runs and (time.monotonic() < until or len(next(iter(runs.values()))) < _FEWEST):
        living.begin(tuple(runs))
        for unit in tuple(runs):
            say(f"{unit}: process {len(runs[unit]) + 1}, {max(0.0, until - time.monotonic()):.0f} s left")
            try:
                found = [living.pair(unit, number) for number in range(_ALIVE)]
            except NotRepeatableError:
                del runs[unit]
                continue
            runs[unit].append([(one.cpu, other.cpu) for one, other in found])
    return runs
