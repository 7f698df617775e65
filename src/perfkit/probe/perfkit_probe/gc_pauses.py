"""Garbage collections that take longer than a millisecond: spans of kind gc, with the generation as their count.

The callback runs inside of whatever the thread was doing, the probe's own code as well: it takes no lock, writes no file
and defines no name.
"""

from __future__ import annotations

import gc
import os
from time import monotonic

from . import events, requests, sites, spool
from .requests import GC, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONG = 0.001
_name = 0
_pid = 0
_started = 0.0


def begin() -> None:
    spool.after_fork.append(_define)
    _define()
    gc.callbacks.append(_collection)


def _define() -> None:
    global _name, _pid
    _pid = os.getpid()
    _name = requests.name("garbage collection")


def _collection(phase: str, info: Any) -> None:
    global _started
    if phase == "start":
        _started = monotonic()
    elif monotonic() - _started > LONG:
        _keep(_started, monotonic() - _started, info)


def _keep(started: float, seconds: float, info: Any) -> None:
    if spool.closed or os.getpid() != _pid:  # just forked: the name is not defined yet
        return
    try:
        request = get_current()
        number = 0 if request is None else request.number
        packed = events.SPAN(b"S", GC, number, _name, sites.site(3), started, seconds, info.get("generation", -1), 0)
        spool.keep(packed)
    except Exception:  # saying so would write a file
        return
