"""The kernel's accounting: threads' CPU and run-queue time, and control groups of both versions."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from perfkit.collectors.schedstat import read_thread, read_threads
from perfkit.collectors.system import read_throttling, throttle_file

linux = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel keeps no schedstat here")


def spin(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@linux
def test_cpu_of_this_thread_grows_with_its_work() -> None:
    tid = str(threading.get_native_id())
    before = read_thread(os.getpid(), tid)
    spin(0.2)
    after = read_thread(os.getpid(), tid)
    assert before is not None
    assert after is not None
    assert after[0] - before[0] == pytest.approx(0.2, abs=0.05)
    assert after[1] >= before[1]


@linux
def test_every_thread_is_read() -> None:
    release = threading.Event()
    started = threading.Barrier(2)
    found: list[int] = []

    def wait() -> None:
        found.append(threading.get_native_id())
        started.wait()
        release.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    started.wait()
    try:
        reading = read_threads(os.getpid())
    finally:
        release.set()
        thread.join()
    assert {found[0], threading.get_native_id()} <= reading.keys()
    assert all(cpu >= 0 and queued >= 0 for cpu, queued in reading.values())


def test_a_process_that_is_gone_has_no_threads() -> None:
    assert read_threads(2**30) == {}
    assert read_thread(2**30, "1") is None


V2 = "usage_usec 100\nuser_usec 60\nsystem_usec 40\nnr_periods 200\nnr_throttled 50\nthrottled_usec 2500000\n"
V1 = "nr_periods 200\nnr_throttled 50\nthrottled_time 2500000000\n"


@pytest.mark.parametrize("text", [V1, V2])
def test_throttling_of_both_versions(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cpu.stat"
    file.write_text(text)
    assert read_throttling(file) == (2.5, 50, 200)


@pytest.mark.parametrize(
    "text", ["", "usage_usec 100\n", "nr_periods x\nnr_throttled 1\nthrottled_usec 1\n", "a b c\n", "\0\n"]
)
def test_what_is_not_a_throttling_account_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cpu.stat"
    file.write_text(text)
    assert read_throttling(file) is None


def test_no_file_is_none(tmp_path: Path) -> None:
    assert read_throttling(None) is None
    assert read_throttling(tmp_path / "gone") is None


def test_the_group_of_this_process_is_readable_where_there_is_one() -> None:
    found = throttle_file(os.getpid())
    assert found is None or read_throttling(found) is not None
    assert throttle_file(2**30) is None
