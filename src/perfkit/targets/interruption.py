"""Ctrl-C and SIGTERM while measuring: remembered, and passed on to the target where the terminal has not done so."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """A context in which the signals that stop a run set `received` instead of ending perfkit. `times` counts them."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.times = 0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        for number in SIGNALS:
            # nohup has SIGHUP ignored: then it stays so, for the target too.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def reached_target(self) -> bool:
        """Whether the terminal sent the signal to its whole foreground group, a launched target included."""
        return self.received is signal.SIGINT and _in_foreground()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)
        self.times += 1


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
