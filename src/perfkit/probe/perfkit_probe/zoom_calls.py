"""Zoom: how often a few functions are called and by whom, and what they call how often, counted while the target runs.

Counting ends by itself when it has seen enough: what it costs goes by the number of calls, not by the seconds.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from time import monotonic

from . import zoom_calls_edges, zoom_counts

if sys.version_info >= (3, 12):
    from . import zoom_calls_monitoring as engine
else:
    from . import zoom_calls_doors as engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHAT = "calls, callers and callees"
# Seconds of counting, and a number of calls after which the first is enough.
_LEAST, _LONGEST = 1.0, 10.0
_ENOUGH = 100_000
_lock = allocate_lock()
_on = False
_whole = False
_began = 0.0
_ended: float | None = None
_wanted = zoom_counts.Wanted([])
_first_request: int | None = None
_final: dict[str, Any] | None = None


def start(functions: list[tuple[str, int]]) -> None:
    """Count calls of these, (file, first line of the code), and theirs. Never raises; what cannot be is a gap in `counted()`."""
    global _on, _whole, _began, _ended, _final, _wanted, _first_request
    with _lock:
        if _on:
            zoom_counts.gap(_WHAT, "calls are being counted already", "wait until that has ended")
            return
        zoom_counts.clear()
        zoom_calls_edges.clear()
        _began, _ended, _final, _whole = monotonic(), None, None, False
        _wanted = zoom_counts.Wanted(functions)
        try:
            refused = zoom_counts.traced() or engine.refusal()
            if refused is None:
                _on = True
                engine.start(_wanted)
                _began, _first_request = monotonic(), _requests()
            else:
                zoom_counts.gap(_WHAT, *refused)
        except Exception as error:
            _stop()
            zoom_counts.gap(_WHAT, "starting failed: %s: %s" % (type(error).__name__, error), "measure again")


def at_load(functions: list[tuple[str, int]]) -> None:
    """The same before anything of the target's has run, and until it ends: functions count from their definition on."""
    global _whole
    start(functions)
    with _lock:
        if _on:
            _whole = True
            try:
                engine.at_load()
            except Exception as error:
                zoom_counts.gap(
                    "the first calls of functions", "%s: %s" % (type(error).__name__, error), "measure again"
                )


def look_again() -> None:
    """Take in what was defined since, and end what has seen enough: called now and then by who watches."""
    with _lock:
        if not _on:
            return
        try:
            seconds = monotonic() - _began
            if _whole or seconds < _LEAST or (seconds < _LONGEST and zoom_calls_edges.total() < _ENOUGH):
                engine.look_again()
            else:
                _stop()
        except Exception as error:
            zoom_counts.gap("calls of some functions", "looking failed: %s" % type(error).__name__, "measure again")


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
        served = _served()
        engine.stop()
        _final = {"requests": served, "functions": zoom_calls_edges.told(_wanted, engine.more())}
        zoom_calls_edges.clear()  # it holds what was called
    except Exception as error:
        zoom_counts.gap("the end of counting", "%s: %s" % (type(error).__name__, error), "restart the target")


def counting() -> bool:
    return _on


def began() -> float:
    return _began


def counted() -> dict[str, Any]:
    """What the file `calls-PID-HEX.json` holds."""
    found = _final
    if found is None:
        found = {"requests": _served(), "functions": zoom_calls_edges.told(_wanted, {})}
    return {
        "version": 1,
        "pid": os.getpid(),
        "began": _began,
        "ended": _ended,
        "seconds": (monotonic() if _ended is None else _ended) - _began,
        "timed": False,
        "gaps": [list(one) for one in zoom_counts.gaps],
        **found,
    }


def after_fork() -> None:
    """In the child: counting goes on, from nothing."""
    global _lock, _began, _first_request
    _lock = allocate_lock()
    if _on:
        zoom_calls_edges.threads.clear()
        engine.forget()
        _began = monotonic()
        _first_request = _requests()


def _requests() -> int | None:
    """How many the probe has seen begin in this process, and its parents. None: it does not look for any."""
    requests: Any = sys.modules.get(__package__ + ".requests")
    numbers = getattr(requests, "_numbers", None)
    # An itertools.count does not tell where it is in any other way.
    return None if numbers is None else int(repr(numbers)[6:-1])


def _served() -> int | None:
    now = _requests()
    return None if now is None or _first_request is None else now - _first_request
