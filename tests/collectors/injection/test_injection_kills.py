"""Whoever brings code in may die at any moment, and so may the program that it is brought into."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread, Timer

import pytest
from injected import ATTACHES, KINDS, LONGEST, Program, Run, until

from perfkit.collectors.injection import Refused
from perfkit.shared import processes

pytestmark = pytest.mark.real

# Dies by SIGKILL where it would have called ptrace for the nth time.
DIES_AT = """
import os, signal, sys
from perfkit.collectors.injection import inject, ptrace
pid, source, spool, nth = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
genuine, left = ptrace._ptrace, [nth]
def call(*words):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return genuine(*words)
ptrace._ptrace = call
inject(pid, source, spool=spool)
"""
AGAIN_AND_AGAIN = """
import sys
from perfkit.collectors.injection import inject
print("up", flush=True)
while True:
    inject(int(sys.argv[1]), sys.argv[2], spool=sys.argv[3])
    sys.stdout.write(".")
    sys.stdout.flush()
"""


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def goes_on(program: Program) -> None:
    until(lambda: state(program.pid) in "RSD" and "TracerPid:\t0" in Path(f"/proc/{program.pid}/status").read_text())
    assert program.process.poll() is None


@pytest.mark.parametrize("kind", ["sleeps", "allocates"])
def test_killed_at_each_step(run: Run, spool: Path, some_python: str, kind: str) -> None:
    program = run(some_python, KINDS[kind])
    words = [sys.executable, "-c", DIES_AT, str(program.pid), program.payload, str(spool)]
    for nth in range(1, 100):
        done = subprocess.run([*words, str(nth)], capture_output=True, text=True, timeout=LONGEST)
        goes_on(program)
        if done.returncode != -signal.SIGKILL:
            assert (done.returncode, done.stderr) == (0, "")
            break
        assert program.runs() <= nth
    assert nth > 8, "it was killed at fewer steps than there are"
    before = program.runs()
    program.inject(spool)
    until(lambda: program.runs() > before)
    program.finish()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_ended_at_random_moments(run: Run, spool: Path, ending: signal.Signals) -> None:
    program = run(sys.executable, KINDS["joins"])
    other = run(sys.executable, KINDS["burns"])
    chance = random.Random(5)
    for turn in range(2 * ATTACHES):
        aim = (program, other)[turn % 2]
        words = [sys.executable, "-c", AGAIN_AND_AGAIN, str(aim.pid), aim.payload, str(spool)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as injecting:
            assert injecting.stdout is not None
            injecting.stdout.read(3 + chance.randrange(4))
            for _ in range(chance.randrange(20000)):
                pass
            injecting.send_signal(ending)
        goes_on(aim)
    for aim in (program, other):
        before = aim.runs()
        aim.inject(spool)
        until(lambda: aim.runs() > before)  # noqa: B023
        aim.finish()


def test_the_program_dies_meanwhile(run: Run, spool: Path, some_python: str) -> None:

    for turn in range(2 * ATTACHES):
        program = run(some_python, KINDS["burns" if turn % 2 else "sleeps"])
        timer = Timer(turn * 0.002, os.kill, (program.pid, signal.SIGKILL))
        timer.start()
        with pytest.raises(Refused, match="it has ended"):
            while True:
                program.inject(spool)
        timer.join()
        assert program.process.wait() == -signal.SIGKILL
        assert not processes.alive(program.pid)


def test_another_thread_waits_for_the_program_meanwhile(run: Run, spool: Path, some_python: str) -> None:
    """It may be told of stops that were ours. The program does not stay stopped for that."""

    program = run(some_python, KINDS["sleeps"])
    enough = Event()

    def wait() -> None:
        while not enough.is_set():
            os.waitpid(program.pid, os.WNOHANG)

    waiting = Thread(target=wait)
    waiting.start()
    try:
        for _ in range(ATTACHES):
            program.inject(spool, timeout=10)
    finally:
        enough.set()
        waiting.join()
    program.finish()
    assert program.runs() == ATTACHES


def test_the_program_ends_by_itself_meanwhile(run: Run, spool: Path, some_python: str) -> None:
    """Its exit code is its own, although we traced it and are its parent."""
    for turn in range(ATTACHES):
        program = run(some_python, f"for _ in range({turn} * 20000): pass")
        with pytest.raises(Refused, match="it has ended"):
            while True:
                program.inject(spool)
        program.finish()
