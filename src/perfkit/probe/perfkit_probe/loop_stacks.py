"""What a loop's thread runs at this moment: from its innermost frame down to the route, or to the loop."""

from __future__ import annotations

import sys
from types import CodeType, FrameType

from . import frames, sites, spool

Stack = tuple[tuple[str, str, int], ...]
_DEEPEST = 120
_MOST_KNOWN = 2000
# Below these runs the loop itself, and below that what started it: a main function that did not block anything.
_BELOW = {
    ("events.py", "_run"),
    ("base_events.py", "_run_once"),
    ("base_events.py", "run_forever"),
    ("base_events.py", "run_until_complete"),
    ("runners.py", "run"),
    ("_run.py", "unrolled_run"),
    ("__init__.py", "run"),
}
_LOOPS = ("asyncio", "uvloop", "_core", "winloop", "rloop")
_known: dict[Stack, int] = {}


def running(thread: int) -> tuple[Stack, CodeType | None]:
    """The frames, innermost first, as function, file and line; and the innermost code of the project's own among them.

    The interpreter lock is ours while we look, so that the frames stand still.
    """
    frame: FrameType | None = sys._current_frames().get(thread)
    seen: list[tuple[str, str, int]] = []
    project: CodeType | None = None
    while frame is not None and len(seen) < _DEEPEST:
        code = frame.f_code
        file = code.co_filename
        kind = _kind(file)
        ours = file == frames.FILE
        if not ours and _is_loop(file, code.co_name):
            break
        if ours or kind != sites.EDGE:
            seen.append((getattr(code, "co_qualname", code.co_name), file, frame.f_lineno or 0))
        if project is None and kind == sites.PROJECT:
            project = code
        if ours and code.co_name.startswith(("route:", "request")):
            break
        frame = frame.f_back
    return tuple(seen), project


def _is_loop(file: str, function: str) -> bool:
    parts = file.replace("\\", "/").rsplit("/", 2)
    return len(parts) == 3 and parts[1] in _LOOPS and (parts[2], function) in _BELOW


def _kind(file: str) -> int:
    found = sites._kinds.get(file)
    if found is None:
        found = sites._kinds[file] = sites._kind_of(file)
    return found


def number(stack: Stack) -> int:
    """What stands for it in spans; 0 for an empty one. Only stacks that were asked for are written."""
    found = _known.get(stack)
    if found is None:
        if not stack or len(_known) >= _MOST_KNOWN:
            return 0
        found = next(sites._numbers)
        fields: list[object] = [found]
        for frame in reversed(stack):
            fields.extend(frame)
        spool.define("stack", *fields)
        _known[stack] = found
    return found


def begin() -> None:
    spool.after_fork.append(_known.clear)
