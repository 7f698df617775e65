"""Counts lines by `sys.monitoring`, from Python 3.12 on: local events on the chosen code alone.

A chosen function is recognised when it starts or is resumed for the first time, whenever and however it was defined: of
all other code each such place is reported once and never again. Only unwinding cannot be asked for locally.

Frames that run are found by themselves: each ends or is suspended before anything else can want it gone. A suspended one
may vanish without a word, and is found by its `id`.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from sys import _getframe
from time import monotonic

from . import zoom_counts
from .zoom_counts import CALLS, NOWHERE, Activation, Cell, Function, Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

# Ids that nobody is meant to ask for: a target that starts cProfile (2), coverage (1) or a debugger (0) finds its own free.
_OURS = (4, 3)
_OTHERS = {0: "a debugger", 1: "coverage", 2: "a profiler"}
# Code that begins at a function's own line and is not the function.
_BESIDE = ("__annotate__", "<generic parameters of ")
_OPTIMIZED = 0x1  # CO_OPTIMIZED: a real function, no module that begins at the same line
_REMEDY = "zoom in when it does not run"
_monitoring: Any = getattr(sys, "monitoring", None)
_tool = -1
_wanted = Wanted([])
# By the code's id, which the code beside it keeps from meaning another one.
_armed: dict[int, tuple[Function, CodeType]] = {}
_armed_of = _armed.get
_MOST_SUSPENDED = 10_000
_running: dict[FrameType, Activation] = {}
_suspended: dict[int, Activation] = {}


def refusal() -> tuple[str, str] | None:
    """(why, remedy) when something else traces already."""
    for number, usual in _OTHERS.items():
        name = _monitoring.get_tool(number)
        if name is not None:
            return "%s (%s) is active in the target" % (usual, str(name)[:100]), _REMEDY
    if all(_monitoring.get_tool(number) is not None for number in _OURS):
        return "all numbers of monitoring tools are taken in the target", _REMEDY
    return None


def start(wanted: Wanted) -> None:
    global _tool, _wanted
    _wanted = wanted
    tool = next(number for number in _OURS if _monitoring.get_tool(number) is None)
    _monitoring.use_tool_id(tool, "perfkit")
    _tool = tool
    events = _monitoring.events
    for event, callback in (
        (events.PY_START, _start),
        (events.PY_RESUME, _resume),
        (events.LINE, _line),
        (events.PY_RETURN, _return),
        (events.PY_YIELD, _yield),
        (events.PY_UNWIND, _unwind),
    ):
        _monitoring.register_callback(tool, event, callback)
    _monitoring.set_events(tool, events.PY_START | events.PY_RESUME | events.PY_UNWIND)
    _monitoring.restart_events()  # of an earlier time, places are switched off
    _arm_running()


def stop() -> None:
    global _tool
    tool, _tool = _tool, -1
    if tool < 0:
        return
    events = _monitoring.events
    _monitoring.set_events(tool, 0)
    for _, code in list(_armed.values()):
        _monitoring.set_local_events(tool, code, 0)
    for event in (
        events.PY_START,
        events.PY_RESUME,
        events.LINE,
        events.PY_RETURN,
        events.PY_YIELD,
        events.PY_UNWIND,
    ):
        _monitoring.register_callback(tool, event, None)
    _monitoring.free_tool_id(tool)
    _armed.clear()
    forget()


def at_load() -> None:
    """Nothing to do either."""


def look_again() -> None:
    """Nothing to do: what starts is seen."""


def under_way() -> list[Activation]:
    return list(_running.copy().values())


def forget() -> None:
    """What runs in the parent of a forked process."""
    _running.clear()
    _suspended.clear()


def _arm_running() -> None:
    """What runs now and never starts anew: loops that go on for ever."""
    for frame in list(sys._current_frames().values()):
        at: Any = frame
        while at is not None:
            if id(at.f_code) not in _armed:
                _arm(at.f_code)
            at = at.f_back


def _arm(code: CodeType) -> Function | None:
    key = _wanted.key(code)
    tool = _tool
    if key is None or tool < 0 or code.co_name.startswith(_BESIDE) or not code.co_flags & _OPTIMIZED:
        return None
    function = zoom_counts.function(key, getattr(code, "co_qualname", code.co_name))
    _armed[id(code)] = (function, code)
    events = _monitoring.events
    _monitoring.set_local_events(
        tool, code, events.PY_START | events.PY_RESUME | events.LINE | events.PY_RETURN | events.PY_YIELD
    )
    return function


def _function(code: CodeType) -> Function | None:
    known = _armed_of(id(code))
    return known[0] if known is not None else _arm(code)


def _start(code: CodeType, offset: int) -> Any:
    try:
        known = _armed_of(id(code))
        function = known[0] if known is not None else _arm(code)
        if function is None:
            return _monitoring.DISABLE
        cells = function.threads.get(get_ident()) or function.cells()
        cells[CALLS].hits += 1
        _running[_getframe(1)] = Activation(cells)
        if _tool < 0:  # it has just ended
            _running.pop(_getframe(1), None)
    except Exception as error:
        _failed(error)
    return None


def _resume(code: CodeType, offset: int) -> Any:
    try:
        frame = _getframe(1)
        at = _suspended.pop(id(frame), None)
        if at is not None:
            at.cell = at.paused
            at.since = monotonic()
            _running[frame] = at
            if _tool < 0:
                _running.pop(frame, None)
        elif _function(code) is None:
            return _monitoring.DISABLE
    except Exception as error:
        _failed(error)
    return None


def _line(code: CodeType, line: int) -> None:
    now = monotonic()
    try:
        at = _running[_getframe(1)]
    except KeyError:
        at = _came_late(_getframe(1))
    at.cell.seconds += now - at.since
    at.since = now
    try:
        at.cell = cell = at.cells[line]
    except KeyError:
        at.cell = cell = at.cells[line] = Cell()
    cell.hits += 1


def _came_late(frame: FrameType) -> Activation:
    """It ran before we did, or an exception was thrown into it where it was suspended."""
    at = _suspended.pop(id(frame), None)
    if at is None:
        function = _function(frame.f_code)
        at = Activation({} if function is None else function.cells())
    if _tool >= 0:
        _running[frame] = at
    return at


def _return(code: CodeType, offset: int, value: object) -> None:
    now = monotonic()
    at = _running.pop(_getframe(1), None)
    if at is not None:
        at.cell.seconds += now - at.since


def _yield(code: CodeType, offset: int, value: object) -> None:
    now = monotonic()
    frame = _getframe(1)
    at = _running.pop(frame, None)
    if at is not None:
        at.cell.seconds += now - at.since
        at.paused = at.cell
        at.cell = NOWHERE
        if len(_suspended) > _MOST_SUSPENDED:
            _suspended.clear()  # most of them are gone; the others are known again with their next line
        _suspended[id(frame)] = at


def _unwind(code: CodeType, offset: int, error: BaseException) -> None:
    """Called for whatever an exception leaves, anywhere in the process."""
    if id(code) in _armed:
        now = monotonic()
        frame = _getframe(1)
        at = _running.pop(frame, None)
        if at is not None:
            at.cell.seconds += now - at.since
        else:
            _suspended.pop(id(frame), None)


def _failed(error: Exception) -> None:
    zoom_counts.gap("some hits of lines", "counting failed: %s" % type(error).__name__, "zoom in again")
