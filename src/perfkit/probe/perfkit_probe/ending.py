"""Runs a last step when the process ends in a way that Python notices: normally, by an exception, or by SIGTERM."""

from __future__ import annotations

import atexit
import json
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any


def at_end(step: Callable[[], None]) -> None:
    """Call `step()` once, in this process only, before it ends. SIGTERM keeps its meaning where nobody gave it another."""
    owner = os.getpid()
    done: list[bool] = []

    def once() -> None:
        if os.getpid() != owner or done:
            return
        done.append(True)
        try:
            step()
        except BaseException:
            return

    def terminate(number: int, frame: FrameType | None) -> None:
        once()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    atexit.register(once)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminate)


def write(spool: str, engine: str, content: dict[str, Any]) -> None:
    """Leave `content` as JSON in the spool, whole or not at all."""
    path = os.path.join(spool, f"{engine}-{os.getpid()}.json")
    with open(path + ".part", "w", encoding="utf-8", errors="replace") as file:
        json.dump(content, file)
    os.replace(path + ".part", path)
