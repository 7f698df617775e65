"""Call sites: which lines of the project led to what a span times, as a number that stands for a short stack."""

from __future__ import annotations

import os
import sys
from _thread import _local
from itertools import count

from . import frames, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

    # The frame at a depth, by its code and instruction; those of its callers, each calling the one before; the stack's number.
    Near = tuple[int, CodeType, int, tuple[tuple[CodeType, int], ...], int]
    # Frames with others between them that do not count, each by its own depth; the stack's number.
    Far = tuple[tuple[tuple[int, CodeType, int], ...], int]

_PROBE = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = ("/site-packages/", "/dist-packages/")
# Library frames that say what a call was for: a relation loaded late, a serializer's field, a template's node. Those that load
# for many objects at once, `get_prefetch…`, are the opposite of late.
_TELLING = (
    "/django/db/models/fields/related_descriptors.py",
    "/django/db/models/fields/related.py",
    "/django/db/models/query_utils.py",
    "/django/contrib/contenttypes/fields.py",
    "/django/template/base.py",
    "/django/template/response.py",
    "/sqlalchemy/orm/attributes.py",
    "/sqlalchemy/orm/dynamic.py",
    "/rest_framework/serializers.py",
    "/rest_framework/relations.py",
    "/rest_framework/fields.py",
    "/rest_framework/pagination.py",
    "/peewee.py",
    "/tortoise/models.py",
)
_TELLING_FOLDER = "flask_sqlalchemy"
# Libraries through which every statement passes: they never decided on it.
_CARRIERS = frozenset((
    "sqlalchemy", "django", "psycopg", "psycopg2", "psycopg_pool", "pymysql", "MySQLdb", "asyncpg", "aiosqlite",
    "flask", "werkzeug", "starlette", "fastapi", "aiohttp", "celery", "kombu", "billiard", "gunicorn", "uvicorn",
    "hypercorn", "asgiref", "anyio", "gevent", "greenlet", "concurrent",
))  # fmt: skip
# Where a coroutine awaits for synchronous code that runs in a greenlet of its own.
_BRIDGE = ("/sqlalchemy/util/_concurrency_py3k.py", "/sqlalchemy/util/concurrency.py")
# Behind it stands whoever started the loop, not what asked for this.
_LOOP = ("/asyncio/events.py", "/asyncio/runners.py")
# It holds loaders of every kind, late and eager ones: the function tells them apart.
_LATE = "/sqlalchemy/orm/strategies.py"
PLUMBING, PROJECT, TELLING, LIBRARY, EDGE, BRIDGE, LOOP, LATE = range(8)
_DEEPEST = 120
_MOST_PROJECT = 5
_MOST_TELLING = 3
_MOST_KNOWN = 20_000
_MOST_HINTS = 6


class Hints:
    """Where a statement ran before, newest first."""

    __slots__ = ("far", "near")

    def __init__(self) -> None:
        self.near: list[Near] = []
        self.far: list[Far] = []


_roots: tuple[str, ...] = ()
_kinds: dict[str, int] = {}
_known: dict[tuple[object, ...], int] = {}
_numbers = count(1)
_frame = sys._getframe
# By the numbers of names.
_hints: dict[int, Hints] = {}
# `site` is that of the code for which a thread works: its own stack ends in a pool or a queue.
_handed = _local()


def begin(roots: list[str]) -> None:
    """`roots` are the project's folders; everything outside of them, or installed, is not the project's."""
    global _roots
    _roots = tuple(os.path.join(os.path.realpath(root), "") for root in roots) + tuple(
        os.path.join(root, "") for root in roots
    )
    spool.after_fork.append(_forget)


def is_project(file: str) -> bool:
    return _kind_of(file) == PROJECT


def _forget() -> None:
    """A forked process writes a file of its own, in which nothing is defined yet."""
    _known.clear()
    _hints.clear()


def _kind_of(file: str) -> int:
    if file == frames.FILE or file.startswith(_PROBE):
        return EDGE
    if file.startswith("<frozen"):
        return PLUMBING
    path = file.replace("\\", "/")
    if _is_installed(path):
        return _kind_of_installed(file, path)
    if _is_stdlib(path.split("/")):
        return LOOP if path.endswith(_LOOP) else PLUMBING
    if file.startswith("<"):
        return PROJECT if file == "<stdin>" else PLUMBING
    return PROJECT if os.path.abspath(file).startswith(_roots) and not _in_environment(file) else LIBRARY


def _kind_of_installed(file: str, path: str) -> int:
    parts = path.split("/")
    if path.endswith(_TELLING) or (parts[-2] == _TELLING_FOLDER and path.endswith(".py")):
        return TELLING
    if path.endswith(_LATE):
        return LATE
    if path.endswith(_BRIDGE):
        return BRIDGE
    if any(_is_installed(root.replace("\\", "/")) and file.startswith(root) for root in _roots):
        return PROJECT
    return LIBRARY if _CARRIERS.isdisjoint(parts[1:-1]) else PLUMBING


def _is_installed(path: str) -> bool:
    return _INSTALLED[0] in path or _INSTALLED[1] in path


def _is_stdlib(parts: list[str]) -> bool:
    """lib/python3.11/…, Python.framework/…, python311.zip/…"""
    for before, part in zip(["", *parts[1:]], parts[1:-1]):
        if part == "Python.framework":
            return True
        if part.startswith("python"):
            version = part[6:]
            if version.endswith(".zip") and version[:-4].isdigit():
                return True
            if before in ("lib", "lib64") and version.rstrip("t").replace(".", "", 1).isdigit():
                return True
    return False


def _exec_kind(frame: FrameType) -> int:
    """The program of `python -c`; other code from texts is what libraries write for themselves."""
    return PROJECT if frame.f_globals.get("__name__") == "__main__" else PLUMBING


def _in_environment(file: str) -> bool:
    folder = os.path.dirname(os.path.abspath(file))
    while len(folder) > 1 and (os.path.join(folder, "")).startswith(_roots):
        if os.path.exists(os.path.join(folder, "pyvenv.cfg")) and os.path.join(folder, "") not in _roots:
            return True
        folder = os.path.dirname(folder)
    return False


def site(depth: int = 2) -> int:
    """The number of the stack that called; 0 where no frame of it says anything. `depth` as for `sys._getframe`."""
    return _walk(sys._getframe(depth), depth, None)


def hints_of(name: int) -> Hints:
    """What `here` remembers of a statement, by the number of its name."""
    hints = _hints.get(name)
    if hints is None:
        hints = Hints()
        if len(_hints) < _MOST_KNOWN:
            _hints[name] = hints
    return hints


def here(hints: Hints) -> int:
    """The number of the stack two frames below the caller. Where the same ran before is looked at first: every frame that is
    walked through has to be made into an object, and one that is looked at by its depth alone has not."""
    for depth, code, at, callers, number in hints.near:
        try:
            frame: Any = _frame(depth + 1)
            if frame.f_lasti == at and frame.f_code is code:
                for code, at in callers:
                    frame = frame.f_back
                    if frame.f_lasti != at or frame.f_code is not code:
                        break
                else:
                    return number
        except (ValueError, AttributeError):  # the stack is less deep
            continue
    return walked(hints, 3)


def walked(hints: Hints, depth: int = 2) -> int:
    """The same for a stack that is not among the near ones. `depth` as for `sys._getframe`; the depths in the hints are the
    caller's."""
    for steps, number in hints.far:
        try:
            for below, code, at in steps:
                frame = _frame(depth - 1 + below)
                if frame.f_lasti != at or frame.f_code is not code:
                    break
            else:
                return number
        except ValueError:
            continue
    return _walk(_frame(depth), 1, hints)


def _walk(start: FrameType, depth: int, hints: Hints | None) -> int:
    frame: FrameType | None = start
    kept: list[FrameType] = []
    depths: list[int] = []
    below: FrameType | None = None
    below_depth = 0
    library: list[FrameType] = []
    project = 0
    told = ""
    greenlet: Any = None
    behind: FrameType | None = None
    depth -= 1
    for _ in range(_DEEPEST):
        depth += 1
        if frame is None:
            if behind is None and not project:
                behind, greenlet = _parent(greenlet)
            if behind is None:
                break
            frame, behind, hints = behind, None, None
        code = frame.f_code
        file = code.co_filename
        kind = _kinds.get(file)
        if kind is None:
            kind = _exec_kind(frame) if file == "<string>" else _kinds.setdefault(file, _kind_of(file))
        if not kind:  # plumbing, as most frames are
            if project:
                break
            below, below_depth = frame, depth
            frame = frame.f_back
            continue
        if kind == PROJECT:
            if not project and below is not None and below not in kept:
                kept.append(below)
                depths.append(below_depth)
            kept.append(frame)
            depths.append(depth)
            project += 1
            if project >= _MOST_PROJECT:
                break
        elif kind == EDGE:
            if code.co_name.startswith(("route:", "request")):
                break
        elif project or kind == LOOP:
            break
        elif kind == BRIDGE:
            inside = None if behind is not None else _inside(frame)
            if inside is not None:
                frame, behind, hints = inside, frame.f_back, None
                continue
        elif kind == TELLING:
            if file == told:
                kept[-1] = frame  # the outer one of a file says more: `__get__` rather than what it calls
                depths[-1] = depth
            elif len(kept) < _MOST_TELLING and not code.co_name.startswith("get_prefetch"):
                kept.append(frame)
                depths.append(depth)
                told = file
        elif kind == LATE:
            if code.co_name == "_load_for_state":
                kept.append(frame)
                depths.append(depth)
                told = ""
        elif len(library) < _MOST_TELLING:
            library.append(frame)
        if kind != EDGE:
            below, below_depth = frame, depth
        frame = frame.f_back
    if project:
        number = _number(kept)
        if hints is not None:
            _remember(hints, depths, kept, number)
        return number
    instead: int = getattr(_handed, "site", 0)
    return instead or (_number(kept + library) if kept or library else 0)


def _remember(hints: Hints, depths: list[int], kept: list[FrameType], number: int) -> None:
    steps = [(depth, frame.f_code, frame.f_lasti) for depth, frame in zip(depths, kept)]
    first, *callers = steps
    if depths[-1] - depths[0] == len(callers):
        near = (*first, tuple([(code, at) for _, code, at in callers]), number)
        hints.near[:] = [near, *hints.near[: _MOST_HINTS - 1]]
    else:
        hints.far[:] = [(tuple(steps), number), *hints.far[: _MOST_HINTS - 1]]


def _parent(of: Any) -> tuple[FrameType | None, Any]:
    """Where the greenlet that runs was started from; `of` is the one whose frames have ended, None at first."""
    module: Any = sys.modules.get("greenlet")
    if module is None:
        return None, None
    parent = (of or module.getcurrent()).parent
    return (None, None) if parent is None else (parent.gr_frame, parent)


def _inside(bridge: FrameType) -> FrameType | None:
    """The synchronous code that waits in its greenlet for what this coroutine awaits; None where it is what runs."""
    if bridge.f_code.co_name != "greenlet_spawn":
        return None
    frame: FrameType | None = getattr(bridge.f_locals.get("context"), "gr_frame", None)
    return frame


def _number(kept: list[FrameType]) -> int:
    key: list[object] = []
    for frame in kept:
        code = frame.f_code
        key += (code.co_filename, code.co_firstlineno, frame.f_lasti)
    identity = tuple(key)
    found = _known.get(identity)
    if found is not None:
        return found
    if len(_known) >= _MOST_KNOWN:
        return 0
    number = next(_numbers)
    define(number, kept)
    _known[identity] = number
    return number


def function(name: str, file: str, first_line: int) -> int:
    """The number of a stack that is a function alone, at its first line."""
    number = next(_numbers)
    spool.define("stack", number, name, file, first_line)
    return number


def define(number: int, innermost_first: list[FrameType]) -> None:
    """Write what a number stands for: function, file and line of each frame, outermost first."""
    fields: list[object] = [number]
    for frame in reversed(innermost_first):
        code = frame.f_code
        fields += [getattr(code, "co_qualname", code.co_name), code.co_filename, _line(frame)]
    spool.define("stack", *fields)


def _line(frame: FrameType) -> int:
    """The line in the file; Jinja's compiled templates know which of theirs that is."""
    line = frame.f_lineno or 0
    if "__jinja_template__" not in frame.f_globals:
        return line
    return int(frame.f_globals["__jinja_template__"].get_corresponding_lineno(line))


def asked_at(depth: int) -> int:
    """The call site of work that another thread will do. Never raises; `depth` as for `site`."""
    try:
        return site(depth)
    except Exception as error:
        spool.broken("work in threads", error)
        return 0


def hand(number: int) -> int:
    """Let a site stand for what this thread does from now on; gives the one before."""
    before: int = getattr(_handed, "site", 0)
    _handed.site = number
    return before


def whole(frame: FrameType | None) -> int:
    """The number of a whole stack, for rare events: a blocked loop."""
    kept: list[FrameType] = []
    while frame is not None and len(kept) < _DEEPEST:
        kept.append(frame)
        frame = frame.f_back
    return _number(kept) if kept else 0
