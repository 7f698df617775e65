"""Counts calls by a profile function, before Python 3.12. Where somebody else has one, it stays alone."""

from __future__ import annotations

import sys
import threading

from . import spool
from .call_counts import WHAT, called, functions, number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

_SUSPENDS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
_RESUME = 151  # the instruction, in Python 3.11
_NEVER_RAN = -1
# Where the frame of a generator or coroutine stands when it begins, by its code's id.
_begins: dict[int, int] = {}


def start() -> tuple[str, str] | None:
    """(why, remedy) where calls cannot be counted."""
    if sys.getprofile() is not None or getattr(threading, "_profile_hook", None) is not None:
        return "another profiler runs in the target", "measure when it does not run, or with Python 3.12 or newer"
    threading.setprofile(_profiled)
    sys.setprofile(_profiled)
    return None


def is_replaced() -> bool:
    """In this thread; it is asked in the first one."""
    return sys.getprofile() is not _profiled


def _profiled(frame: FrameType, event: str, argument: Any) -> None:
    if event != "call":
        return
    try:
        code = frame.f_code
        number = functions.get(id(code))
        if number is None:
            number = number_of(code)
        if number and (not code.co_flags & _SUSPENDS or frame.f_lasti == _begin_of(code)):
            called(number)
    except Exception as error:
        spool.broken(WHAT, error)


def _begin_of(code: CodeType) -> int:
    """A generator's frame has not run yet before Python 3.11, and stands at its first RESUME since then."""
    if sys.version_info < (3, 11):
        return _NEVER_RAN
    found = _begins.get(id(code))
    if found is None:
        raw = code.co_code
        first = (at for at in range(0, len(raw), 2) if raw[at] == _RESUME and not raw[at + 1])
        found = _begins[id(code)] = next(first, _NEVER_RAN)
    return found
