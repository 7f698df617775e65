"""Patterns that a request compiles. The cache of `re` comes before this: what it holds costs nothing.

A pattern's text is kept where the calling code has it as a constant; one made at run time may hold what people typed.
"""

from __future__ import annotations

import sys
from time import monotonic

from . import frames, hooks, spool
from .requests import REGEX, get_current, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

_LONGEST = 200
_MADE = "(a pattern made at run time)"


def apply(module: Any) -> None:
    if not hooks.replaced(module, "compile", _timed):
        spool.gap(
            "regular expressions compiled inside requests", "this Python compiles them elsewhere", "nothing to do"
        )


def _timed(original: Any) -> Any:
    def compile(*args: Any, **kwargs: Any) -> Any:
        if get_current() is None or spool.closed:
            return original(*args, **kwargs)
        return _compiled(original, args, kwargs)

    return compile


@frames.marked("span:regex")
def _compiled(original: Any, args: Any, kwargs: Any) -> Any:
    started = monotonic()
    try:
        return original(*args, **kwargs)
    finally:
        seconds = monotonic() - started
        try:
            span(REGEX, name(_shown(args[0], sys._getframe(2))), started, seconds)
        except Exception as error:
            spool.broken("regular expressions compiled inside requests", error)


def _shown(pattern: Any, frame: FrameType | None) -> str:
    while frame is not None and frame.f_globals.get("__name__") in ("re", "sre_compile", "re._compiler"):
        frame = frame.f_back
    if frame is None or not (_in_constants(pattern, frame.f_code) or _in_globals(pattern, frame.f_globals)):
        return _MADE
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else str(pattern)
    return text[:_LONGEST]


def _in_constants(pattern: Any, code: CodeType) -> bool:
    for constant in code.co_consts:
        if constant is pattern or (isinstance(constant, tuple) and any(part is pattern for part in constant)):
            return True
    return False


def _in_globals(pattern: Any, known: Any) -> bool:
    """By identity: nothing of the application's is compared, so that none of its code runs."""
    for value in tuple(known.values()):
        if value is pattern:
            return True
        kind = type(value)
        if kind in (list, tuple) and any(part is pattern for part in tuple(value[:_LONGEST])):
            return True
        if kind is dict and len(value) <= _LONGEST and any(part is pattern for part in tuple(value.values())):
            return True
    return False
