"""Waiting for a process's end: woken by it, whoever it belongs to, and never for longer than asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from perfkit.targets.ending import Ending

LONG = 60.0


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this kernel does not tell when a process ends")
def test_the_end_of_a_child_wakes_who_waits() -> None:
    words = [sys.executable, "-c", "input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as child, Ending(child.pid) as ending:
        child.communicate(b"\n")  # it is reaped as well: what was opened before stands for it still
        assert _waited(ending, LONG) < LONG / 2


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this kernel does not tell when a process ends")
def test_a_zombie_has_ended_and_who_asks_again_is_not_kept_busy() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        with Ending(child.pid) as ending:
            assert _waited(ending, LONG) < LONG / 2
            assert _waited(ending, LONG) >= Ending.LONGEST_BLIND
    finally:
        child.wait()


def test_a_living_process_is_waited_for_as_long_as_asked() -> None:
    with Ending(os.getpid()) as ending:
        assert _waited(ending, 0.01) >= 0.01


def test_what_is_gone_is_not_waited_for_for_long() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with Ending(child.pid) as ending:
        assert Ending.LONGEST_BLIND <= _waited(ending, LONG) < LONG / 2


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not list descriptors")
def test_it_leaves_no_descriptor_open() -> None:
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        with Ending(os.getpid()):
            pass
    assert len(os.listdir("/proc/self/fd")) == len(before)


def _waited(ending: Ending, seconds: float) -> float:
    began = time.monotonic()
    ending.wait(seconds)
    return time.monotonic() - began
