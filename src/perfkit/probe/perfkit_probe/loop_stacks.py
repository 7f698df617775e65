"""What a loop's thread runs at this moment: from its innermost frame down to the route, or to the loop."""

from __future__ import annotations

from . import frames, sites, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

    Stack = tuple[tuple[CodeType, int], ...]

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
_known: dict[tuple[object, ...], int] = {}


def running(thread: int) -> Stack:
    """Code and line of each frame, innermost first.

    The interpreter lock is ours meanwhile: nothing here may give it back, or the frames move on.
    """
    frame: FrameType | None = frames.of_threads().get(thread)
    seen: list[tuple[CodeType, int]] = []
    while frame is not None and len(seen) < _DEEPEST:
        code = frame.f_code
        if _is_loop(code.co_filename, code.co_name):
            break
        seen.append((code, frame.f_lineno or 0))
        if code.co_filename == frames.FILE and code.co_name.startswith(("route:", "request")):
            break
        frame = frame.f_back
    return tuple(seen)


def project(stack: Stack) -> CodeType | None:
    """The innermost code of the project's own. Files that are seen for the first time are looked up on disk."""
    for code, _ in stack:
        if _kind(code.co_filename) == sites.PROJECT:
            return code
    return None


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
    fields: list[object] = []
    for code, line in reversed(stack):
        file = code.co_filename
        if file == frames.FILE or _kind(file) != sites.EDGE:
            fields += [getattr(code, "co_qualname", code.co_name), file, line]
    shown = tuple(fields)
    found = _known.get(shown)
    if found is None:
        if not fields or len(_known) >= _MOST_KNOWN:
            return 0
        found = next(sites._numbers)
        spool.define("stack", found, *fields)
        _known[shown] = found
    return found


def begin() -> None:
    spool.after_fork.append(_known.clear)
