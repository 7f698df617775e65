"""Frames that a sampler outside can read: functions whose code carries a name for what runs above it.

`request` is on the stack while the application serves one, `route:GET /items/<id>` while its handler runs, `span:sql` while
something runs that a span times. All of them have the file name `<perfkit>`.
"""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, Callable, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

FILE = "<perfkit>"
_MOST_ROUTES = 5000
_Function: Any = type(lambda: None)  # types.FunctionType
_HIDDEN = "__traceback_hide__"
_TRUE = ("function", "forward", "started")
_COLLECTS_AMONG_FRAMES = sys.version_info[:2] == (3, 11)


def of_threads() -> dict[int, FrameType]:
    """The innermost frame of each thread. Python 3.11 may collect garbage while it makes them, with a lock of its own held: a
    callback of that collection that starts a thread, or lets one run that does, would hang the process."""
    if not _COLLECTS_AMONG_FRAMES or not gc.isenabled():
        return sys._current_frames()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        gc.enable()


def named(function: Any, name: str) -> Any:
    """A copy of `function` whose frames are called `name`; for everything else it is what it was."""
    code: CodeType = function.__code__
    changes: dict[str, Any] = {"co_name": name, "co_filename": FILE}
    if sys.version_info >= (3, 11):
        changes["co_qualname"] = name
    copy: Any = _Function(
        code.replace(**changes), function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    copy.__module__ = function.__module__
    copy.__qualname__ = function.__qualname__
    copy.__dict__.update(function.__dict__)
    for variable in _TRUE:
        if variable in code.co_varnames:
            return hidden(variable)(copy)
    return copy


def hidden(variable: str) -> Callable[[F], F]:
    """Decorator: Sentry, Django and Werkzeug leave the function's frames out of the errors that they show. They ask for a
    variable of a certain name that is true; one that is there in any case, and true, is called so, which costs nothing."""

    def rename(function: Any) -> Any:
        code = function.__code__
        if variable in code.co_varnames and variable not in code.co_cellvars and _HIDDEN not in code.co_varnames:
            names = [_HIDDEN if one == variable else one for one in code.co_varnames]
            function.__code__ = code.replace(co_varnames=tuple(names))
        return function

    return rename


def marked(name: str) -> Callable[[F], F]:
    """Decorator: the function's frames are called `name`."""
    return lambda function: named(function, name)


def _call(function: Any, args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def _await(function: Any, args: Any, kwargs: Any) -> Any:
    return await function(*args, **kwargs)


_calls: dict[str, Any] = {}
_awaits: dict[str, Any] = {}


def route(name: str) -> Any:
    """`route(name)(function, args, kwargs)` calls it below a frame that carries the endpoint's name."""
    found = _calls.get(name)
    return found if found is not None else _made(_calls, _call, name)


def async_route(name: str) -> Any:
    """The same for a function to be awaited."""
    found = _awaits.get(name)
    return found if found is not None else _made(_awaits, _await, name)


def _made(known: dict[str, Any], template: Any, name: str) -> Any:
    if len(known) >= _MOST_ROUTES:
        return template
    known[name] = made = named(template, "route:" + name)
    return made


_texts: dict[tuple[str, str], str] = {}


def endpoint_text(method: str, template: str) -> str:
    """`GET /items/<id>`, without what would end a frame in the sampler's output."""
    found = _texts.get((method, template))
    if found is None:
        found = _cleaned(method, template)
        if len(_texts) < _MOST_ROUTES:
            _texts[method, template] = found
    return found


def _cleaned(method: str, template: str) -> str:
    text = "%s %s" % (method, template) if method else template
    clean = "".join([character if character.isprintable() else "?" for character in text[:200]])
    return clean.replace(";", ",").replace(" (", "(")
