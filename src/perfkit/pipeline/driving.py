"""What drives a target while it is measured, and when that begins and ends: readiness, load, a command of the user's."""

from __future__ import annotations

from collections.abc import Callable

from perfkit.errors import PerfkitError
from perfkit.model.recording import Request
from perfkit.model.target import Workload


class Driving:
    """A workload under way. Whatever cannot work is refused when it is made, before anything is started."""

    def __init__(self, workload: Workload, clock: Callable[[], float], *, changing: bool = False) -> None:
        """With `changing` some URLs come more often than others, now these, now those, unless their number is given."""
        from perfkit.targets.load import LoadGenerator
        from perfkit.targets.mix import Changing, InTurn
        from perfkit.targets.ready import Ready
        from perfkit.targets.while_command import WhileCommand

        self._timeout = workload.ready_timeout
        self._clock = clock
        load = workload.load
        self._load = LoadGenerator(load, Changing if changing and load.requests is None else InTurn) if load else None
        self._command = WhileCommand(workload.command) if workload.command else None
        self._ready = Ready(workload.ready, load) if workload.ready or load else None
        self._stopped = False
        self.ready_at: float | None = None
        self.exit_code: int | None = None

    def begin(self) -> None:
        """The target has been started, or found: without anything to wait for, the workload begins."""
        if self._ready is None:
            self._start(0.0)

    def poll(self) -> bool:
        """Whether the workload is done. Raises PerfkitError where the target does not answer in time."""
        if self.ready_at is None:
            self._await_ready()
            return False
        loaded = self._load is not None and self._load.finished
        return loaded or (self._command is not None and self._command.poll() is not None)

    def requests(self) -> list[Request]:
        """What the load has timed since it was last asked."""
        return self._load.drain() if self._load is not None else []

    def stop(self) -> None:
        """End what still runs. `exit_code` is set only where the user's command ended by itself."""
        if self._stopped:
            return
        self._stopped = True
        if self._ready is not None:
            self._ready.stop()
        if self._load is not None:
            self._load.stop()
        if self._command is not None:
            self.exit_code = self._command.poll()
            self._command.stop()

    def _await_ready(self) -> None:
        now = self._clock()
        if self._ready is not None and self._ready.poll():
            self._start(now)
        elif now > self._timeout:
            raise PerfkitError(
                f"the target did not answer within {self._timeout:.0f} s.",
                "check the URL or port given to --load or --ready, or allow more with --ready-timeout",
            )

    def _start(self, now: float) -> None:
        self.ready_at = now
        if self._load is not None:
            self._load.start(self._clock)
        if self._command is not None:
            self._command.start()
