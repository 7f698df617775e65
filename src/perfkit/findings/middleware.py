"""Which middleware a stack stands in: the frames inside a request come in, the index of the innermost one's frame goes out."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from perfkit.findings.interface import View
from perfkit.model.recording import Frame, Stack
from perfkit.shared.frameworks import DISPATCHERS, is_plumbing, listed, short_name
from perfkit.shared.origin import PROBE, ROUTE, module_path

# Framework functions above which the very next frame is a middleware or a hook, whatever it is called.
_CALL_MIDDLEWARE: Final = {
    "django/core/handlers/exception.py": {"inner"},
    "django/utils/deprecation.py": {"__call__", "__acall__"},
    "starlette/middleware/base.py": {"__call__"},
    **{
        name: {"preprocess_request", "process_response", "do_teardown_request"}
        for name in ("flask/app.py", "quart/app.py")
    },
}
# Above these it is one if it looks like one: an application that another one is handed to.
_CALL_APPLICATIONS: Final = {
    "starlette/middleware/base.py": {"coro"},
    "starlette/applications.py": {"__call__"},
    "fastapi/applications.py": {"__call__"},
    "flask/app.py": {"__call__"},
    "django/core/handlers/base.py": {"_get_response", "_get_response_async"},
    "aiohttp/web_app.py": {"_handle"},
}
# These know the route before they call any.
_WITHIN_ROUTES: Final = {
    "flask/app.py": {"preprocess_request", "process_response", "do_teardown_request"},
    "quart/app.py": {"preprocess_request", "process_response", "do_teardown_request"},
    "aiohttp/web_app.py": {"_handle"},
}
_OF_APPLICATIONS: Final = (
    "starlette/middleware/",
    "fastapi/middleware/",
    "uvicorn/middleware/",
    "werkzeug/middleware/",
)
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
        elif _leads_on(frame):
            found, caller = None, frame if not routed or listed(_WITHIN_ROUTES, frame) else None
        elif frame.origin == "native":
            continue
        elif found is not None:
            if index == found + 1 and hands_over(view, frames[found]):
                found = index if _looks_like_one(view, frame) else None
                caller = None
        elif caller is not None:
            found = index if _is_called(view, caller, frame) else None
            caller = None
    return found if probed else None


def hands_over(view: View, frame: Frame) -> bool:
    """Whether the frame stands at the line that hands the request on."""
    return _HANDS_ON.search(view.lines.text(frame.file, frame.line) or "") is not None


def name_of(frame: Frame) -> str:
    """A middleware by its class, or the function that made it; a hook by its own name."""
    parts = [part for part in frame.function.split(".") if part != "<locals>"]
    if len(parts) > 1:
        return parts[-2]
    return f"The middleware of {PurePath(frame.file).name}" if parts[0].startswith("__") else f"{parts[0]}()"


def _leads_on(frame: Frame) -> bool:
    path = module_path(frame.file)
    return (
        listed(_CALL_MIDDLEWARE, frame)
        or listed(_CALL_APPLICATIONS, frame)
        or listed(_ROUTERS, frame)
        or listed(DISPATCHERS, frame)
        or (path.startswith(_OF_APPLICATIONS) and short_name(frame.function) == "__call__")
    )


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
