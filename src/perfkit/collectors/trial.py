"""A trial of sampling, in earnest but short: a pid comes in; how many looks py-spy took of it, or its error, go out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perfkit.collectors.pyspy import PySpySampler
from perfkit.collectors.pyspy_raw import parse
from perfkit.collectors.pyspy_window import PySpyWindow

RATE = 100.0
SECONDS = 0.3
# py-spy needs some 50 ms to start, and more on a busy machine: without a sample it gets a second, longer chance.
_ALLOWANCES = (0.2, 1.0)
_BUSY = "import sys\nsys.stdout.write('.')\nsys.stdout.flush()\nwhile True: pass\n"


@dataclass(frozen=True, slots=True)
class Trial:
    """`looks` are those at the thread seen most often. `failure` is the first line of py-spy's error."""

    looks: int
    seconds: float
    failure: str | None = None


def sample(pid: int) -> Trial:
    """About 0.3 s of wall samples. Raises PerfkitError where py-spy is not installed."""
    found = Trial(0, 0.0)
    with tempfile.TemporaryDirectory(prefix="perfkit-") as spool:
        for allowance in _ALLOWANCES:
            found = _window(pid, spool, SECONDS + allowance)
            if found.looks:
                break
    return found


def _window(pid: int, spool: str, seconds: float) -> Trial:
    begun = time.monotonic()
    window = PySpyWindow(pid, "wall", RATE, seconds, spool, begun)
    while not window.ended() and time.monotonic() < begun + seconds:
        time.sleep(0.01)
    window.interrupt()
    limit = time.monotonic() + 2
    while not window.ended():
        if time.monotonic() > limit:
            window.kill()
        time.sleep(0.01)
    result = window.result()
    looks = [stack.n for stack in parse(result.lines) if not isinstance(stack, str)]
    return Trial(max(looks, default=0), time.monotonic() - begun, result.failure)


@contextmanager
def busy_child(probe_folder: str) -> Iterator[int]:
    """The pid of a Python that computes, launched with what `perfkit run` gives its targets."""
    extra = PySpySampler.environment("", os.getpid())
    if extra:
        extra = {**extra, "PYTHONPATH": probe_folder}
    child = subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, **extra}
    )
    try:
        assert child.stdout is not None
        child.stdout.read(1)
        yield child.pid
    finally:
        child.kill()
        child.communicate()
