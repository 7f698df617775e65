"""What a loop's thread runs at this moment, as the number of a stack: from its innermost frame down to the route, or to the loop."""

from __future__ import annotations

import sys
from types import FrameType
from typing import List, Optional, Tuple

from . import frames, sites

_DEEPEST = 120
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


def running(thread: int) -> Tuple[int, bool]:
    """The number (0: nothing) and whether the project's own code is in it.

    The interpreter lock is ours while we look, so that the frames stand still.
    """
    frame: Optional[FrameType] = sys._current_frames().get(thread)
    kept: List[FrameType] = []
    project = False
    while frame is not None and len(kept) < _DEEPEST:
        code = frame.f_code
        file = code.co_filename
        kind = sites.kind_of(file)
        if file == frames.FILE:
            kept.append(frame)
            if code.co_name.startswith(("route:", "request")):
                break
        elif kind != sites.EDGE:
            if _is_loop(file, code.co_name):
                break
            kept.append(frame)
            project = project or kind == sites.PROJECT
        frame = frame.f_back
    return (sites.numbered(kept) if kept else 0), project


def _is_loop(file: str, function: str) -> bool:
    parts = file.replace("\\", "/").rsplit("/", 2)
    return len(parts) == 3 and parts[1] in _LOOPS and (parts[2], function) in _BELOW
