"""A command as a process: a Command comes in; its output, exit code and signals stay its own, and it can be stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from errno import EACCES, ENOENT, ENOEXEC
from pathlib import Path
from typing import IO

from perfkit.errors import CANNOT_EXECUTE, NOT_FOUND, PerfkitError
from perfkit.model.target import Command
from perfkit.shared import processes
from perfkit.targets import words

GRACE = 10.0
# A killed process may be stuck in the kernel (state D); it is not waited for any longer than this.
_KILL_WAIT = 5.0


class Launched:
    """A running target in our own process group, so that Ctrl-C reaches it from the terminal as it would without us."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._stop: _Stop | None = None

    @classmethod
    def start(cls, command: Command, extra_env: Mapping[str, str], *, heeds_sigint: bool = False) -> Launched:
        """With `heeds_sigint` it does so in the background of a shell, too. Raises PerfkitError: 126 where the kernel refuses to execute
        it, 127 where it has gone."""
        heeding = _sigint_heeded() if heeds_sigint else nullcontext()
        try:
            with default_signals(), heeding, _output(command) as output:
                popen = subprocess.Popen(
                    command.argv,
                    executable=command.executable,
                    cwd=command.cwd,
                    env={**os.environ, **command.environ, **extra_env},
                    stdout=output,
                    stderr=output,
                    # Descriptors we were given, as by socket activation, are the target's; ours are not inheritable.
                    close_fds=False,
                )
        except (OSError, ValueError) as error:
            raise _not_started(command, error) from error
        return cls(popen)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def poll(self) -> int | None:
        """Its exit code, 128 + n after signal n, None while it runs."""
        return exit_code(self._popen.poll())

    def send(self, number: int) -> None:
        self._popen.send_signal(number)

    def begin_stop(self, number: int | None, now: float, grace: float = GRACE) -> None:
        """Ask the main process to end, and after `grace` seconds kill it with all that it started.

        None sends nothing, for a signal that the terminal has already delivered. A second call may shorten the grace.
        """
        if self._stop is None:
            self._stop = _Stop(self.pid, number, now + grace)
            if self.poll() is None:
                self._stop.look([self.pid])
        self._stop.hasten(now + grace)
        if number is not None:
            self.send(number)

    def advance_stop(self, now: float) -> bool:
        """One step: True when the target and all that it started have ended. `now` is on the clock of `begin_stop`."""
        if self._stop is None:
            return False
        running = self.poll() is None
        return self._stop.advance(running, now) or self._stop.hopeless(now)

    def stop(self, number: int = signal.SIGTERM, grace: float = GRACE) -> int | None:
        """The same, waiting for the end; its exit code."""
        self.begin_stop(number, time.monotonic(), grace)
        while not self.advance_stop(time.monotonic()):
            time.sleep(0.02)
        return self.poll()


class _Stop:
    """A stop under way. The tree is remembered with start times: what loses its parent is still found, a reused pid is not."""

    def __init__(self, pid: int, number: int | None, deadline: float) -> None:
        self._pid = pid
        self._untold = number
        self._deadline = deadline
        self._tree: dict[int, float] = {}

    def hasten(self, deadline: float) -> None:
        self._deadline = min(self._deadline, deadline)

    def look(self, roots: list[int]) -> None:
        """Remembers what is below `roots` and below what is remembered."""
        for root in roots + [pid for pid, started in self._tree.items() if _is(pid, started)]:
            for pid in processes.descendants(root):
                started = processes.start_time(pid)
                if started is not None:
                    self._tree[pid] = started

    def advance(self, running: bool, now: float) -> bool:
        """Whether nothing of the tree is left."""
        self.look([self._pid] if running else [])
        left = [pid for pid, started in self._tree.items() if _is(pid, started)]
        if now >= self._deadline:
            _signal([self._pid, *left] if running else left, signal.SIGKILL)
        elif not running and left and self._untold is not None:
            # The main process has ended without them (a shell does); they are asked once, as it was.
            _signal(left, self._untold)
            self._untold = None
        return not running and not left

    def hopeless(self, now: float) -> bool:
        return now >= self._deadline + _KILL_WAIT


def _is(pid: int, started: float) -> bool:
    return processes.alive(pid) and processes.start_time(pid) == started


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def exit_code(returncode: int | None) -> int | None:
    """As a shell counts: 128 + n after signal n."""
    return 128 - returncode if returncode is not None and returncode < 0 else returncode


@contextmanager
def _output(command: Command) -> Iterator[IO[bytes] | None]:
    if command.output is None:
        yield None
    else:
        with open(command.output, "ab") as file:
            yield file


@contextmanager
def default_signals() -> Iterator[None]:
    """No signal blocked while a child is started: it would inherit the block. Handlers of ours end at exec anyway."""
    before = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _sigint_heeded() -> Iterator[None]:
    """A shell without job control has SIGINT ignored in what it starts with `&`, and children inherit that; a handler ends at exec."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _not_started(command: Command, error: OSError | ValueError) -> PerfkitError:
    name = words.printable(command.argv[0])
    number = error.errno if isinstance(error, OSError) else None
    if not Path(command.cwd).is_dir():
        return PerfkitError(f"cannot start {name}: {command.cwd} is not a directory.", "go to one that is there")
    if number == ENOENT and not Path(command.executable).exists():
        return PerfkitError(f"command not found: {name}", "it was there a moment ago: start again", NOT_FOUND)
    hint = {
        ENOEXEC: f"add a first line such as #!/bin/sh, or: perfkit run -- sh {words.spoken(command.argv)}",
        ENOENT: "the program that its first line names is not there: install it again",
        EACCES: "ls -l shows who may execute it; a file system mounted noexec allows nobody",
    }.get(number or 0, "try the command without perfkit")
    reason = os.strerror(number).lower() if number else str(error)
    return PerfkitError(f"cannot execute {name}: {reason}.", hint, CANNOT_EXECUTE)
