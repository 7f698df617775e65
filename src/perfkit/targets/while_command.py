"""A shell command that drives the target while it is measured, such as `wrk` or a test suite."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from perfkit.targets.launch import default_signals, exit_code

_STDERR = 2
_GRACE = 2.0


class WhileCommand:
    """Its output goes to stderr, as stdout belongs to the target, and it leads a session, so that all of it is stopped."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with default_signals():
            self._popen = subprocess.Popen(
                self.command, shell=True, stdin=subprocess.DEVNULL, stdout=_STDERR, start_new_session=True
            )

    def poll(self) -> int | None:
        """The shell's exit code, 128 + n after signal n, None before the start and while it runs."""
        return exit_code(self._popen.poll()) if self._popen else None

    def stop(self) -> None:
        """Ends it and what it started: SIGTERM, and SIGKILL for what is left after 2 seconds."""
        if self._popen is None:
            return
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE)
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: int) -> None:
        if self._popen:
            with suppress(OSError):
                os.killpg(self._popen.pid, number)
