"""Calls of the project's functions, counted for each request: only where perfkit compares revisions and asks for it.

Both ways of counting (`call_counts_monitoring` from Python 3.12 on, `call_counts_profiling` before) note each call by one number.
A generator or coroutine is called once, however often it goes on; a comprehension is a part of its function.
"""

from __future__ import annotations

import atexit
import sys
from _collections import _count_elements  # type: ignore[import-not-found]
from _thread import allocate_lock
from time import monotonic

from . import events, project_code, requests, sites, spool
from .requests import CALL, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

WHAT = "calls of the project's functions"
_BITS = 24
_MOST = 1 << 16
_MOST_KEPT = 200_000
# Code that begins at a function's own line and is not the function.
_BESIDE = ("__annotate__", "<generic parameters of ")
_lock = allocate_lock()
# A request's number and that of a function's site, in one: adding to a list is one step, whichever thread does it.
_noted: list[int] = []
_note = _noted.append
_totals: dict[int, int] = {}
# By the code's id, which `_kept` keeps from meaning another one: the number of the function's site, 0 for code that is not counted.
functions: dict[int, int] = {}
_kept: list[CodeType] = []
_numbers: dict[tuple[str, str, int], int] = {}
_of_project: dict[str, bool] = {}
# Before Python 3.11 code does not know its qualified name.
_qualified: dict[int, tuple[CodeType, str]] = {}
_way: Any = None


def begin() -> None:
    global _way
    if sys.version_info >= (3, 12):
        from . import call_counts_monitoring as way
    else:
        from . import call_counts_profiling as way
    refused = way.start()
    if refused is not None:
        spool.gap(WHAT, *refused)
        return
    _way = way
    if sys.version_info < (3, 11):
        sys.addaudithook(_audited)
    spool.after_fork.append(_forget)
    spool.counting.append(tell)
    atexit.register(_last_words)


def called(function: int) -> None:
    request = get_current()
    _note(function if request is None else request.number << _BITS | function)
    if len(_noted) > _MOST and _lock.acquire(False):
        try:
            _add_up()
        finally:
            _lock.release()


def number_of(code: CodeType) -> int:
    """Of the function whose code this is; 0 for what is no function of the project. Remembered."""
    file = code.co_filename
    known = _of_project.get(file)
    if known is None:
        known = _of_project[file] = project_code.is_project(code)
    counts = known and project_code.is_function(code) and not code.co_name.startswith(_BESIDE)
    number = _defined(code) if counts else 0
    if len(_kept) < _MOST_KEPT:
        _kept.append(code)
        functions[id(code)] = number
    return number


def _defined(code: CodeType) -> int:
    """Code that was made twice, by a reload or a factory, is one function."""
    key = (_qualified_name(code), code.co_filename, code.co_firstlineno)
    number = _numbers.get(key)
    if number is None:
        number = _numbers[key] = sites.function(*key)
    return number


def _qualified_name(code: Any) -> str:
    if sys.version_info >= (3, 11):
        return str(code.co_qualname)
    return _qualified[id(code)][1] if id(code) in _qualified else str(code.co_name)


def _audited(event: str, arguments: Any) -> None:
    if event != "exec":
        return
    try:
        code = arguments[0]
        if code.co_name == "<module>" and project_code.is_project(code):
            _qualify(code, "")
    except Exception:
        return


def _qualify(outer: CodeType, prefix: str) -> None:
    for code in outer.co_consts:
        if isinstance(code, type(outer)):
            name = prefix + code.co_name
            _qualified[id(code)] = code, name
            _qualify(code, name + (".<locals>." if code.co_flags & project_code.OPTIMIZED else "."))


def _add_up() -> None:
    n = len(_noted)
    taken = _noted[:n]
    del _noted[:n]
    if spool.closed:
        _totals.clear()
    else:
        _count_elements(_totals, taken)


def tell() -> None:
    """Keep what was counted since the last time. Who interrupts this in the same thread waits for a moment, and goes on."""
    if not _lock.acquire(True, 0.05):
        return
    try:
        _add_up()
        now = monotonic()
        name = requests.name("call") if _totals else 0
        for key, calls in _totals.items():
            function = key & (1 << _BITS) - 1
            spool.keep(events.SPAN(b"S", CALL, key >> _BITS, name, function, now, 0.0, calls, 0))
        _totals.clear()
    except Exception as error:
        spool.broken(WHAT, error)
    finally:
        _lock.release()


def _last_words() -> None:
    if _way.is_replaced():
        spool.gap(WHAT + " from some moment on", "another profiler took the place", "measure when it does not run")
    spool.last_words()


def _forget() -> None:
    """A forked process has a file of its own, in which nothing is defined yet."""
    global _lock
    _lock = allocate_lock()
    del _noted[:], _kept[:]
    _totals.clear()
    functions.clear()
    _numbers.clear()
