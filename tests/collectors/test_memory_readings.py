"""How often a process is read from outside: resident bytes all the time, what it shares as often as that is cheap."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perfkit.collectors import memory
from perfkit.collectors.memory import PSS_EVERY, MemoryCollector
from perfkit.model.memory import MemoryUse
from perfkit.model.recording import Process


def readings(seconds: int) -> list[MemoryUse]:
    """Of this very process, polled ten times a second on a clock of our own."""
    rows: list[MemoryUse] = []
    now = 0.0
    context: Any = SimpleNamespace(clock=lambda: now, sink=SimpleNamespace(memory=rows.extend), spool=str(Path.cwd()))
    follow: Any = SimpleNamespace(alive=[Process(1, os.getpid(), None, "tests", None, 0.0)])
    collector = MemoryCollector(context, follow)
    for tick in range(10 * seconds):
        now = tick / 10
        collector.poll()
    return rows


def test_what_is_shared_is_read_each_second() -> None:
    rows = readings(10)
    assert all(row.rss > 0 for row in rows) and len(rows) >= 40
    shared = [row.at for row in rows if row.pss is not None]
    # Not more often; less often where a busy machine takes long for it.
    assert 3 <= len(shared) <= 10 / PSS_EVERY
    assert all(late - early >= PSS_EVERY - 1e-9 for early, late in pairwise(shared))


def test_a_reading_that_takes_long_comes_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of the time, which a process of many gigabytes needs."""
    genuine = memory._shares

    def slow(pid: int) -> tuple[int | None, int | None]:
        time.sleep(0.05)
        return genuine(pid)

    monkeypatch.setattr(memory, "_shares", slow)
    rows = readings(12)
    assert len(rows) >= 48
    assert 1 <= sum(row.pss is not None for row in rows) <= 3
