"""A thread that takes the looks at memory that nobody else takes; while the process starts, it follows what imports take. Only where
memory is asked for.

It is gone while the process forks, and comes back with a collection of garbage later on: a fork beside a thread warns from
Python 3.12 on. On Python 3.11, where a collection may come while the interpreter holds the lock that a new thread needs, it comes back
when events are written.
"""

from __future__ import annotations

import gc
import os
import sys
from _thread import allocate_lock, get_native_id, start_new_thread
from math import inf
from time import monotonic, sleep

from . import memory_garbage, memory_imports, memory_looks, requests, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_STOP = 0.1
_REST_AFTER_FORK = 1.0
# Not to ask all the time for a look that another thread is at.
_LEAST_PAUSE = 0.05
# What never comes is no time that a lock takes.
_LONGEST_PAUSE = 60.0
# Where others write all the time, what was told is written with theirs.
_OTHERS_WRITE = 0.5


class _Thread:
    """One life of the thread."""

    def __init__(self) -> None:
        self.wake = allocate_lock()
        self.wake.acquire()
        self.stopping = False
        self.done = False
        self.native = 0


_thread: _Thread | None = None
_traces: Any = None
_registered = False
_not_before = 0.0


def begin(folder: str) -> None:
    """`folder` is the spool, which may ask for tracemalloc as well."""
    global _traces, _registered
    if os.path.exists(os.path.join(folder, "allocations-1.json")):
        from . import memory_traces

        memory_traces.begin(folder)
        _traces = memory_traces
    spool.after_fork.append(_begin_again)
    if sys.version_info[:2] == (3, 11):
        spool.counting.append(_come_back)
    else:
        gc.callbacks.append(_collection)
    memory_garbage.begin()
    memory_looks.begin()
    requests.resting.append(memory_looks.between_requests)
    if not _registered:  # whatever is called at a fork is called at every one from then on
        _registered = True
        os.register_at_fork(before=_before_fork, after_in_parent=_rest)
        import atexit

        atexit.register(_end)
    _start()


def end() -> None:
    """No thread any more, and nothing known of what there was."""
    global _traces
    if memory_looks.between_requests in requests.resting:
        requests.resting.remove(memory_looks.between_requests)
    if _collection in gc.callbacks:
        gc.callbacks.remove(_collection)
    if _come_back in spool.counting:
        spool.counting.remove(_come_back)
    _stop()
    memory_looks.end()
    _traces = None


def _end() -> None:
    """For good: a collection in the process's last moments would start it anew."""
    global _not_before
    _not_before = inf
    _stop()
    memory_looks.stop()
    spool.flush()


def _begin_again() -> None:
    """A forked process keeps what its parent had, and has no such thread yet."""
    global _thread, _not_before
    _not_before = 0.0
    if _thread is not None:  # of the parent; or of this process, which goes on as another user
        _thread.stopping = True
    _thread = None
    memory_looks.own_threads = 0
    memory_looks.begin_again()
    _start()


def _before_fork() -> None:
    global _not_before
    _not_before = inf
    _stop()


def _rest() -> None:
    global _not_before
    _not_before = monotonic() + _REST_AFTER_FORK


def _collection(phase: str, info: Any) -> None:
    if phase == "stop":
        _come_back()


def _come_back() -> None:
    if _thread is None and not spool.closed and monotonic() > _not_before:
        _start()


def _start() -> None:
    global _thread
    if spool.closed or (_thread is not None and not _thread.done):
        return
    try:
        _thread = _Thread()
        start_new_thread(_run, (_thread,))
    except Exception as error:
        spool.broken("growing containers", error)


def _stop() -> None:
    global _thread
    thread = _thread
    if thread is None:
        return
    thread.stopping = True
    if thread.wake.locked():
        thread.wake.release()
    until = monotonic() + _LONGEST_STOP
    while (not thread.done or _lives(thread.native)) and monotonic() < until:
        sleep(0.0002)
    _thread = None


def _lives(native: int) -> bool:
    return native != 0 and os.path.exists("/proc/self/task/%d" % native)


def _run(me: _Thread) -> None:
    me.native = get_native_id()
    memory_looks.own_threads = 1
    try:
        starting = memory_imports.Watch()
        pause = memory_imports.EVERY
        while not me.wake.acquire(True, pause) and not me.stopping and not spool.closed:
            if not starting.over:
                starting.look()
            if not starting.is_importing():
                pause = _take_what_is_left()
            if not starting.over:
                pause = memory_imports.EVERY
            if _traces is not None:
                _traces.look(monotonic())
                pause = min(pause, _traces.EVERY)
        starting.tell(monotonic())
    except Exception as error:
        spool.broken("growing containers", error)
    finally:
        if _thread is me or _thread is None:
            memory_looks.own_threads = 0
        me.done = True


def _take_what_is_left() -> float:
    """What is due and left to this thread. Gives the seconds until it is to ask again."""
    now = monotonic()
    if memory_looks.waiting(now) <= 0:
        memory_looks.take()
        now = monotonic()
    if now - spool.written_at > _OTHERS_WRITE:
        spool.flush()
    pause = min(memory_looks.waiting(now), _OTHERS_WRITE if spool.kept else _LONGEST_PAUSE)
    return max(_LEAST_PAUSE, pause)
