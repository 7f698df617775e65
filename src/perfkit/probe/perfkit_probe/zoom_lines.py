"""Zoom: hits and seconds of each line of a few functions, counted while the target runs.

A line's seconds go from its start to the next line of the same frame, or to the frame's return, yield or unwinding: they hold
what the line called, and not the time in which a generator or coroutine was suspended.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from time import monotonic

from . import zoom_counts

if sys.version_info >= (3, 12):
    from . import zoom_monitoring as engine
else:
    from . import zoom_statements as engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHAT = "hits and seconds of lines"
_lock = allocate_lock()
_on = False
_began = 0.0
_ended: float | None = None
_final: list[dict[str, Any]] | None = None


def start(functions: list[tuple[str, int]]) -> None:
    """Count the lines of these: (file, first line of the code). Never raises; what cannot be is a gap in `counted()`."""
    global _on, _began, _ended, _final
    with _lock:
        if _on:
            zoom_counts.gap(_WHAT, "lines are being counted already", "wait until that has ended")
            return
        zoom_counts.clear()
        _began, _ended, _final = monotonic(), None, None
        try:
            refused = zoom_counts.traced() or engine.refusal()
            if refused is None:
                _on = True
                engine.start(zoom_counts.Wanted(functions))
            else:
                zoom_counts.gap(_WHAT, *refused)
        except Exception as error:
            _stop()
            zoom_counts.gap(_WHAT, "starting failed: %s: %s" % (type(error).__name__, error), "zoom in again")


def at_load(functions: list[tuple[str, int]]) -> None:
    """The same before anything of the target's has run: functions count from their definition on."""
    start(functions)
    with _lock:
        if _on:
            try:
                engine.at_load()
            except Exception as error:
                zoom_counts.gap(
                    "the first calls of functions", "%s: %s" % (type(error).__name__, error), "zoom in again"
                )


def look_again() -> None:
    """Take in what was defined since: called now and then by who watches, never by the application."""
    with _lock:
        if _on:
            try:
                engine.look_again()
            except Exception as error:
                zoom_counts.gap("lines of some functions", "looking failed: %s" % type(error).__name__, "zoom in again")


def stop() -> None:
    """Undo everything. What was counted stays to be told."""
    with _lock:
        _stop()


def _stop() -> None:
    global _on, _ended, _final
    if not _on:
        return
    _on = False
    _ended = monotonic()
    try:
        _final = zoom_counts.told(engine.under_way())
        engine.stop()
    except Exception as error:
        zoom_counts.gap("the end of counting", "%s: %s" % (type(error).__name__, error), "restart the target")


def counting() -> bool:
    return _on


def began() -> float:
    return _began


def counted() -> dict[str, Any]:
    """What the file `lines-PID-HEX.json` holds."""
    functions = _final
    if functions is None:
        functions = zoom_counts.told(engine.under_way())
    return {
        "version": 1,
        "pid": os.getpid(),
        "began": _began,
        "ended": _ended,
        "gaps": [list(one) for one in zoom_counts.gaps],
        "functions": functions,
    }


def after_fork() -> None:
    """In the child: counting goes on, from nothing."""
    global _lock, _began
    _lock = allocate_lock()
    if _on:
        zoom_counts.begin_again()
        engine.forget()
        _began = monotonic()
