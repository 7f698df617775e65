"""Where Python may be run on a stopped thread, and what becomes of the system call that it was stopped in."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from injected import ATTACHES, KINDS, LONGEST, Run, until, until_it_computes

from perfkit.collectors.injection import Refused, preconditions
from perfkit.collectors.injection.memory import Memory, mappings
from perfkit.collectors.injection.symbols import python_module
from perfkit.collectors.injection.syscalls import repeated, stance

POLL, FUTEX, RESTART_SYSCALL, EPOLL_WAIT, NANOSLEEP, READ, PAUSE, OPENAT = 7, 202, 219, 232, 35, 0, 34, 257
EINTR, RESTART, NOHAND, BLOCK = -4, -512, -514, -516
WAIT, WAIT_BITSET, PRIVATE, REALTIME = 0, 9, 128, 256
DATA = (range(0x7000, 0x8000),)
OUTSIDE, INSIDE = 0x9000, 0x7100


@pytest.mark.parametrize(
    ("number", "result", "arguments", "expected"),
    [
        (-1, 5, (0, 0), "running"),
        (EPOLL_WAIT, 3, (OUTSIDE, 0), "running"),  # it has come back with events
        (READ, 17, (3, 0), "running"),
        (EPOLL_WAIT, EINTR, (OUTSIDE, 0), "waiting"),
        (POLL, BLOCK, (OUTSIDE, 1), "waiting"),
        (RESTART_SYSCALL, BLOCK, (OUTSIDE, 1), "waiting"),  # a poll that was interrupted before
        (READ, RESTART, (3, 0), "waiting"),
        (FUTEX, RESTART, (OUTSIDE, WAIT_BITSET | PRIVATE | REALTIME), "waiting"),  # a lock of Python's
        (FUTEX, RESTART, (OUTSIDE, WAIT | PRIVATE), "unsafe"),  # a lock of malloc's
        (FUTEX, BLOCK, (INSIDE, WAIT_BITSET | PRIVATE), "running"),  # the interpreter lock
        (FUTEX, RESTART, (INSIDE, WAIT | PRIVATE), "running"),
        (RESTART_SYSCALL, BLOCK, (INSIDE, WAIT_BITSET | PRIVATE), "running"),
        (OPENAT, RESTART, (0, 0), "unsafe"),  # a named pipe, perhaps inside dlopen
    ],
)
def test_where_it_may_run(number: int, result: int, arguments: tuple[int, int], expected: str) -> None:
    assert stance(number, result, arguments, DATA) == expected


@pytest.mark.parametrize(
    ("number", "result", "operation", "expected"),
    [
        (READ, 17, 0, None),
        (EPOLL_WAIT, EINTR, 0, None),
        (-1, RESTART, 0, None),  # a number that only looks like it
        (READ, RESTART, 0, True),
        (POLL, BLOCK, 0, False),
        (NANOSLEEP, BLOCK, 0, False),
        (RESTART_SYSCALL, BLOCK, WAIT_BITSET, False),
        (FUTEX, BLOCK, WAIT_BITSET | PRIVATE, True),  # until a moment
        (FUTEX, BLOCK, WAIT | PRIVATE, False),  # for a time
        (23, NOHAND, 0, False),
        (PAUSE, NOHAND, 0, True),  # signal.pause() would return without a signal
    ],
)
def test_what_becomes_of_its_call(number: int, result: int, operation: int, expected: bool | None) -> None:
    assert repeated(number, result, operation) is expected


@pytest.mark.real
def test_while_another_thread_keeps_the_interpreter_lock(run: Run, spool: Path, python: str) -> None:
    """The main thread waits for it. To ask for it there a second time would be for good."""
    body = """
import itertools, threading, time
def long(count):
    before = time.perf_counter()
    sum(itertools.repeat(1, count))
    return time.perf_counter() - before
count = int(2_000_000 * 1.5 / long(2_000_000))
def hold():
    print("computes", flush=True)
    long(count)
thread = threading.Thread(target=hold)
thread.start()
while thread.is_alive():
    time.sleep(0.001)
while not over():
    time.sleep(0.001)
"""
    program = run(python, body)
    until_it_computes(program)
    with pytest.raises(Refused, match="did not come to run Python"):
        program.inject(spool, timeout=0.4)
    assert program.runs() == 0
    program.inject(spool)
    program.finish()
    assert program.runs() == 1


@pytest.mark.real
def test_signal_pause_waits_on(run: Run, spool: Path, python: str) -> None:
    """It returns when a signal has come, not when somebody looked in."""
    body = """
import signal, threading, time
def later():
    while not over():
        time.sleep(0.005)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
signal.signal(signal.SIGUSR1, lambda *_: None)
threading.Thread(target=later).start()
signal.pause()
assert over()
"""
    program = run(python, body)
    until(lambda: _system_call(program.pid) == PAUSE)
    program.inject(spool)
    until(lambda: _system_call(program.pid) == PAUSE)
    program.finish()
    assert program.runs() == 1


def _system_call(pid: int) -> int | None:
    """Of the main thread, while it waits in one."""
    first = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    return int(first) if first.isdigit() else None


@pytest.mark.real
def test_beside_py_spy(run: Run, spool: Path, tmp_path: Path) -> None:

    sampler = Path(sys.executable).with_name("py-spy")
    if not sampler.exists():
        pytest.skip("py-spy is not installed")
    program = run(sys.executable, KINDS["allocates"])
    words = [
        str(sampler),
        "record",
        "-r",
        "200",
        "-d",
        "2",
        "-f",
        "raw",
        "-o",
        str(tmp_path / "raw"),
        "-p",
        str(program.pid),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as sampling:
        done = 0
        while sampling.poll() is None or done < ATTACHES:
            program.inject(spool)
            done += 1
    assert sampling.returncode == 0
    assert "work" in (tmp_path / "raw").read_text()
    program.finish()
    assert program.runs() == done


def test_a_symbol_that_is_not_there(run: Run) -> None:
    program = run(sys.executable, KINDS["sleeps"])
    with Memory(program.pid) as memory:
        module = python_module(memory, preconditions.executable(program.pid), mappings(program.pid))
        assert module is not None
        names = [*(f"Py_No{number}" for number in range(200)), "", "PyRun_SimpleStrin", "PyRun_SimpleStringg"]
        assert {module.address(name) for name in names} == {None}
    program.finish()


def test_many_threads_of_ours_bring_to_many_programs(run: Run, spool: Path) -> None:
    programs = [run(sys.executable, KINDS[kind]) for kind in ("sleeps", "burns", "reads")]
    threads = [
        threading.Thread(target=lambda one=one: [one.inject(spool) for _ in range(ATTACHES)]) for one in programs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
    for program in programs:
        program.finish()
        assert program.runs() == ATTACHES
