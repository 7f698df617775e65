"""Which middleware a stack stands in: the frames inside a request come in, the index of the innermost one's frame goes out."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from perfkit.findings.interface import View
from perfkit.model.recording import Frame, Stack
from perfkit.shared.frameworks import DISPATCHERS, is_plumbing, listed, short_name
from perfkit.shared.origin import PROBE, ROUTE

_HOOK_CALLERS: Final = {"preprocess_request", "process_response", "do_teardown_request"}
_HOOKS: Final = {"flask/app.py": _HOOK_CALLERS, "quart/app.py": _HOOK_CALLERS}
# Framework functions above which the very next frame is a middleware or a hook, whatever it is called.
_CALL_MIDDLEWARE: Final = {
    "django/core/handlers/exception.py": {"inner"},
    "django/utils/deprecation.py": {"__call__", "__acall__"},
    "starlette/middleware/base.py": {"__call__"},
    **_HOOKS,
}
# A task of its own that goes on with a request.
_TASKS: Final = {"starlette/middleware/base.py": {"coro"}}
_AIOHTTP: Final = {"aiohttp/web_app.py": {"_handle"}, "aiohttp/web_middlewares.py": {"impl"}}
# Above these, and whatever else of a framework is called like a function, if it looks like one: an application that
# hands the request on to another one.
_CALL_APPLICATIONS: Final = {
    **_TASKS,
    "django/core/handlers/base.py": {"_get_response", "_get_response_async"},
    **_AIOHTTP,
}
# These know the route before they call any.
_WITHIN_ROUTES: Final = {
    **{
        name: {"preprocess_request", "process_response", "do_teardown_request"}
        for name in ("flask/app.py", "quart/app.py")
    },
    **_AIOHTTP,
}
_ROUTERS: Final = {"starlette/routing.py": {"__call__", "app", "handle"}, "flask/app.py": {"wsgi_app"}}
_HANDS_ON: Final = re.compile(
    r"\(\s*scope,\s*receive,\s*\w+|\(\s*environ,\s*\w+|\bcall_next\s*\(|\bget_response\s*\(|\bhandler\s*\(\s*\w"
)
_HAS_HANDLER: Final = re.compile(r"def\s+\w+\s*\([^)]*\bhandler\b")


def innermost(view: View, frames: Stack) -> int | None:
    """None where the stack stands in a handler, in the framework itself, or outside of any probed request."""
    found: int | None = None
    caller: Frame | None = None
    probed = routed = False
    for index, frame in enumerate(frames):
        if frame.file == PROBE:
            if frame.function.startswith(ROUTE):
                found, caller, routed = None, None, True
            elif not probed:
                caller = frame
            probed = True
        elif not probed and not listed(_TASKS, frame):
            continue
        elif _leads_on(view, frame):
            found, caller = None, frame if not routed or listed(_WITHIN_ROUTES, frame) else None
            probed = True
        elif frame.origin == "native":
            continue
        elif found is not None:
            if index == found + 1 and hands_over(view, frames[found]):
                found = index if _looks_like_one(view, frame) else None
                caller = None
        elif caller is not None:
            found = index if _is_called(view, caller, frame) else None
            caller = None
    return found


def hands_over(view: View, frame: Frame) -> bool:
    """Whether the frame stands at the line that hands the request on."""
    return _HANDS_ON.search(view.lines.text(frame.file, frame.line) or "") is not None


def name_of(frame: Frame) -> str:
    """A middleware by its class, or the function that made it; a hook by its own name."""
    parts = [part for part in frame.function.split(".") if part != "<locals>"]
    if len(parts) > 1:
        return parts[-2]
    return f"The middleware of {PurePath(frame.file).name}" if parts[0].startswith("__") else f"{parts[0]}()"


def _leads_on(view: View, frame: Frame) -> bool:
    tables = (_CALL_MIDDLEWARE, _CALL_APPLICATIONS, _ROUTERS, DISPATCHERS)
    if any(listed(table, frame) for table in tables):
        return True
    return short_name(frame.function) == "__call__" and is_plumbing(view.distribution(frame)[0])


def _is_called(view: View, caller: Frame, frame: Frame) -> bool:
    """Whether `frame`, called by the framework or the server, is a middleware that is not the framework's own."""
    if frame.origin not in ("app", "library") or is_plumbing(view.distribution(frame)[0]):
        return False
    if listed(_CALL_MIDDLEWARE, caller):
        return True
    return not listed(_ROUTERS, caller) and _looks_like_one(view, frame)


def _looks_like_one(view: View, frame: Frame) -> bool:
    """By its name, or because it hands the request on somewhere."""
    if frame.origin not in ("app", "library") or is_plumbing(view.distribution(frame)[0]):
        return False
    if "iddleware" in frame.function or short_name(frame.function).startswith("process_"):
        return True
    source = view.lines.function(frame.file, frame.line)
    if source is None:
        return False
    hands = _HANDS_ON.search(source.text) is not None
    return hands and (short_name(frame.function) == "__call__" or _HAS_HANDLER.search(source.text) is not None)
