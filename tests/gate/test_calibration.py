"""What gates drawn from pairs of unchanged code say."""

from __future__ import annotations

import random
from math import exp

from perfkit.gate.calibration import calibrate
from perfkit.gate.paired import Rules
from perfkit.model.gate import Calibration


def _calibrated(noise: float, of_a_process: float = 0.0) -> Calibration:
    """Twenty pairs of processes; each strays by itself, and each of its nine pairs does."""
    shaken = random.Random(3)
    runs = []
    for _ in range(20):
        middle = shaken.gauss(0, of_a_process)
        runs.append([(0.010, 0.010 * exp(middle + shaken.gauss(0, noise))) for _ in range(9)])
    return calibrate("GET /", runs, Rules(), 3)


def test_a_quiet_machine() -> None:
    found = _calibrated(0.01)
    assert (found.unit, found.seconds, found.measured) == ("GET /", 0.010, 180)
    assert found.wrong == 0
    assert found.inconclusive < 0.01
    assert found.sees is not None
    assert found.sees <= 0.05
    assert 0.004 < found.spread < 0.010


def test_a_noisy_machine_sees_less_and_takes_longer() -> None:
    quiet, noisy = _calibrated(0.01), _calibrated(0.15)
    assert noisy.pairs > quiet.pairs
    assert noisy.inconclusive > 0.3
    assert noisy.sees is not None
    assert quiet.sees is not None
    assert noisy.sees > 2 * quiet.sees


def test_processes_that_differ_make_no_false_alarms() -> None:
    assert _calibrated(0.02, of_a_process=0.01).wrong <= 0.005
