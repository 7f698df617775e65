"""Counts calls by `sys.monitoring`, from Python 3.12 on: local events on the chosen code alone, for all threads.

cProfile covers all threads as well there, but has one stack for them together: the callers that it tells are wrong as soon as
threads take turns. Here the frames themselves say who calls. What the code calls is what stands in it as a call: operators,
attributes and loops that call a function say nothing of it.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from sys import _getframe

from . import zoom_calls_edges as edges
from . import zoom_counts
from .zoom_counts import Wanted
from .zoom_monitoring import _OURS, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

__all__ = ["at_load", "forget", "look_again", "more", "refusal", "start", "stop"]

_monitoring: Any = getattr(sys, "monitoring", None)
# Code that may begin at a function's own line and is not the function.
_BESIDE = ("__annotate__", "<gen", "<listcomp>", "<setcomp>", "<dictcomp>")
_OPTIMIZED = 0x1  # CO_OPTIMIZED: a real function, no module or class on its way
_tool = -1
_wanted = Wanted([])
# By the code's id, which the code beside it keeps from meaning another one.
_armed: dict[int, CodeType] = {}
_threads = edges.threads
_Cache: Any = __import__("_functools")._lru_cache_wrapper
_Function = type(lambda: None)
_Method = type(Wanted.key.__get__(Wanted([])))
_Code = type((lambda: None).__code__)
_Builtin = type(len)
_Descriptor: Any = type(list.append)


def start(wanted: Wanted) -> None:
    global _tool, _wanted
    _wanted = wanted
    tool = next(number for number in _OURS if _monitoring.get_tool(number) is None)
    _monitoring.use_tool_id(tool, "perfkit")
    _tool = tool
    events = _monitoring.events
    _monitoring.register_callback(tool, events.PY_START, _start)
    _monitoring.register_callback(tool, events.CALL, _call)
    _monitoring.set_events(tool, events.PY_START)
    _monitoring.restart_events()  # of an earlier time, places are switched off
    for frame in list(sys._current_frames().values()):
        at: Any = frame
        while at is not None:
            if id(at.f_code) not in _armed:
                _arm(at.f_code)
            at = at.f_back


def stop() -> None:
    global _tool
    tool, _tool = _tool, -1
    if tool < 0:
        return
    _monitoring.set_events(tool, 0)
    for code in list(_armed.values()):
        _monitoring.set_local_events(tool, code, 0)
    for event in (_monitoring.events.PY_START, _monitoring.events.CALL):
        _monitoring.register_callback(tool, event, None)
    _monitoring.free_tool_id(tool)
    _armed.clear()


def at_load() -> None:
    """Nothing to do: what starts is seen."""


look_again = forget = at_load


def more() -> dict[tuple[edges.Name | None, edges.Name], int]:
    """Edges besides those of the threads: none."""
    return {}


def _arm(code: CodeType) -> bool:
    tool = _tool
    if _wanted.key(code) is None or tool < 0 or code.co_name.startswith(_BESIDE) or not code.co_flags & _OPTIMIZED:
        return False
    _armed[id(code)] = code
    events = _monitoring.events
    _monitoring.set_local_events(tool, code, events.PY_START | events.CALL)
    return True


def _start(code: CodeType, offset: int) -> Any:
    try:
        if id(code) not in _armed and not _arm(code):
            return _monitoring.DISABLE
        back = _getframe(1).f_back
        caller = None if back is None else back.f_code
        mine = _threads.get(get_ident()) or edges.mine()
        key = (0 if caller is None else id(caller), id(code))
        if key in mine:
            mine[key] += 1
        else:
            edges.started(caller, code)
    except Exception as error:
        _failed(error)
    return None


def _call(code: CodeType, offset: int, callable: Any, first: Any) -> None:
    try:
        kind = type(callable)
        what: Any = callable
        if kind is _Method:
            what = callable.__func__
            kind = type(what)
        if kind is _Function:
            what = what.__code__
        elif kind is _Builtin:
            # A function's owner is its module, which is as good as a name; a method's is whatever it is called on.
            what = callable.__module__ or type(callable.__self__)
            what = (callable.__name__, what if type(what) is str else what.__qualname__)
        elif kind is not _Descriptor and kind is not _Cache and not isinstance(callable, type):
            what = kind
        number = what if type(what) is tuple else id(what)
        if number in _armed:
            return  # it says so itself when it starts
        mine = _threads.get(get_ident()) or edges.mine()
        key = (id(code), number)
        if key in mine:
            mine[key] += 1
        elif kind is not _Function or not _arm(what):
            key = (key[0], _noted(number, what, callable, len(mine)))
            edges.keep(key[0], code)
            mine[key] = mine.get(key, 0) + 1
    except Exception as error:
        _failed(error)


def _noted(number: Any, what: Any, callable: Any, known: int) -> Any:
    """What a callee is kept as; its name is noted where its code does not say it."""
    if known >= edges.MOST:
        zoom_counts.gap(
            "which functions are called rarely",
            "functions or classes are made as it runs: there are more than %d" % edges.MOST,
            "the number of their calls is right",
        )
        return edges.OTHERS
    edges.keep(number, what)
    if type(what) is not _Code:
        edges.named[number] = _name(what)
    elif edges.is_ours(what.co_filename):
        edges.named[number] = _genuine(callable)
    return number


def _genuine(callable: Any) -> edges.Name:
    """A hook of ours is named as what it stands before."""
    while hasattr(callable, "__wrapped__"):
        callable = callable.__wrapped__
    code = getattr(callable, "__code__", None)
    if type(code) is not _Code or edges.is_ours(code.co_filename):
        return edges.native(None, str(getattr(callable, "__name__", "a hook of perfkit")))
    return (code.co_filename, code.co_firstlineno, callable.__qualname__)


def _name(what: Any) -> edges.Name:
    if type(what) is tuple:
        return edges.native(what[1], what[0])
    if type(what) is _Descriptor:
        owner = what.__objclass__
        module = "" if owner.__module__ == "builtins" else owner.__module__ + "."
        return edges.native(module + owner.__qualname__, what.__name__)
    if type(what) is _Cache:
        return edges.native(None, "lru_cache(%s)" % getattr(what, "__qualname__", ""))
    init = vars(what).get("__init__")
    if type(init) is _Function:
        return (init.__code__.co_filename, init.__code__.co_firstlineno, what.__qualname__)
    return edges.native(what.__module__, what.__qualname__)


def _failed(error: Exception) -> None:
    zoom_counts.gap("some calls", "counting failed: %s" % type(error).__name__, "measure again")
