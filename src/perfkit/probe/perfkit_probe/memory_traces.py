"""What tracemalloc knows of the memory that stays: a look when the process has warmed up, one at the end, and what stands more
by where it was allocated. Only where `allocations-1.json` in the spool asks for it, and until that is gone.

Tracing that the application began itself is read and goes on; what began here ends here. A look copies all traces, and
nothing else runs meanwhile.
"""

from __future__ import annotations

import os
from _thread import allocate_lock
from time import monotonic, thread_time

from . import requests, spool, zoom_wishes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .zoom_wishes import Wish

    # File and line of each frame, the innermost first; blocks and bytes.
    Standing = dict[tuple[tuple[str, int], ...], list[int]]

NAME = "allocations-1.json"
EVERY = 0.25
# Seconds after the first request: what a server keeps until then is its warm-up.
WARM_UP = 5.0
_MOST_FRAMES = 64
_MOST_TOLD = 300
_LEAST = 1024
# A process without requests is looked at when more stands than ever, and not before this many times as long as a look took.
_HIGHER, _LEAST_HIGHER, _SHARE = 1.25, 1 << 20, 40
_LONGEST_WAIT = 10.0
_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
# What looks at memory, with all that it calls.
_LOOKING = _OWN + "memory_"

_folder = ""
_wish: Wish | None = None
_ours = False
_lock = allocate_lock()
_began = 0.0
_before: Standing | None = None
_served_at: float | None = None
_highest: Standing = {}
_highest_at = 0.0
_highest_bytes = 0
_not_before = 0.0


def is_wanted(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, NAME))


def begin(folder: str) -> None:
    """In this process, and in those that it forks."""
    global _folder, _wish, _ours
    import tracemalloc

    wish = zoom_wishes.read(os.path.join(folder, NAME), monotonic())
    frames = wish.settings.get("frames") if wish is not None else None
    if wish is None or not wish.holds(monotonic()) or type(frames) is not int or not 0 < frames <= _MOST_FRAMES:
        return
    _folder, _wish = folder, wish
    _ours = not tracemalloc.is_tracing()
    if _ours:
        tracemalloc.start(frames)
    spool.after_fork.append(_begin_again)
    _begin_again()
    import atexit

    atexit.register(end)


def _begin_again() -> None:
    """A forked process has its parent's traces, and warms up by itself."""
    global _lock, _began, _before, _served_at, _highest, _highest_at, _highest_bytes
    if _wish is None:
        return
    _lock = allocate_lock()
    _began, _before, _served_at = monotonic(), None, None
    _highest, _highest_at, _highest_bytes = {}, 0.0, 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        os.close(os.open(_mark(), flags, 0o600))
    except OSError:  # perfkit will not wait for it
        return


def _mark() -> str:
    """A file that is there while perfkit may expect to be told something."""
    return os.path.join(_folder, "tracing-%d" % os.getpid())


def look(now: float) -> None:
    """Called four times a second, in a thread of ours."""
    global _served_at, _before, _began
    if _wish is None:
        return
    if not _wish.holds(now) or not is_wanted(_folder):
        end()
        return
    if _served_at is None and (requests.in_flight or requests.served()):
        _served_at = now
    if not _lock.acquire(False):
        return  # it ends
    try:
        if _served_at is None:
            _look_if_higher(now)
        elif _before is None and now >= _served_at + WARM_UP:
            _before, _began = _standing(), now
            _highest.clear()
    finally:
        _lock.release()


def _look_if_higher(now: float) -> None:
    """What a script works with is gone when it ends."""
    global _highest, _highest_at, _highest_bytes, _not_before
    import tracemalloc

    traced, _ = tracemalloc.get_traced_memory()
    if now < _not_before or traced < max(_HIGHER * _highest_bytes, _highest_bytes + _LEAST_HIGHER):
        return
    spent = thread_time()
    _highest, _highest_at, _highest_bytes = _standing(), now, traced
    _not_before = monotonic() + _SHARE * (thread_time() - spent)


def _standing() -> Standing:
    """Without what the probe keeps itself."""
    import tracemalloc
    from collections import Counter

    traces: Any = tracemalloc.take_snapshot().traces
    # All blocks of one size from one place are equal, and counted in C: what Python does here is traced as well, and slow. There is
    # one tuple for each place.
    counted: dict[int, list[Any]] = {}
    for (_, size, frames, _), blocks in Counter(traces._traces).items():
        known = counted.setdefault(id(frames), [frames, 0, 0])
        known[1] += blocks
        known[2] += blocks * size
    found: Standing = {}
    for frames, blocks, size in counted.values():
        innermost = frames[0][0]
        if (
            innermost.startswith(_OWN)
            or innermost == tracemalloc.__file__
            or any(file.startswith(_LOOKING) for file, _ in frames)
        ):
            continue
        one = found.setdefault(tuple([frame for frame in frames if not frame[0].startswith(_OWN)]), [0, 0])
        one[0] += blocks
        one[1] += size
    return found


def end() -> None:
    """Tell what stands, and stop what was begun here. Never raises."""
    global _wish
    # A look under way is waited for: it is what will be compared with.
    if not _lock.acquire(True, _LONGEST_WAIT):
        return
    try:
        wish, _wish = _wish, None
        if wish is None:
            return
        _tell()
        _stop()
        spool.flush()
        os.unlink(_mark())
    except Exception as error:
        spool.broken("lines whose memory grew", error)
    finally:
        _lock.release()


def _stop() -> None:
    import tracemalloc

    if _ours and tracemalloc.is_tracing():
        tracemalloc.stop()


def _tell() -> None:
    import tracemalloc

    if not tracemalloc.is_tracing():
        spool.gap(
            "lines whose memory grew", "the target stopped tracemalloc itself", "leave its tracemalloc.stop() out"
        )
        return
    if _served_at is not None and _before is None:
        why = "it ended within %d s of its first request, before it had warmed up" % WARM_UP
        spool.gap("lines whose memory grew in process %d" % os.getpid(), why, "measure for longer")
        return
    ended, after = monotonic(), {}
    if _before is None and tracemalloc.get_traced_memory()[0] < _highest_bytes:
        ended, after = _highest_at, _highest
    else:
        after = _standing()
    before = _before or {}
    nothing = [0, 0]
    more = []
    for frames in {**before, **after}:
        (blocks, size), (blocks_before, size_before) = after.get(frames, nothing), before.get(frames, nothing)
        if blocks != blocks_before or size != size_before:
            more.append((size - size_before, blocks - blocks_before, frames))
    more.sort(key=lambda one: -abs(one[0]))
    rest = [0, 0]
    for number, (size, blocks, frames) in enumerate(more):
        if number < _MOST_TOLD and abs(size) >= _LEAST:
            places = [part for frame in reversed(frames) for part in frame]
            spool.define("allocation", _began, ended, blocks, size, *places)
        else:
            rest[0] += size
            rest[1] += blocks
    spool.define("allocation", _began, ended, rest[1], rest[0])
