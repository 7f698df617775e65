"""A thread that looks at what blocks an event loop while it does. It begins with the first request in a loop and is gone
while the process forks; without requests it looks twenty times a second, with requests when a stretch may have become long."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock, get_native_id, start_new_thread
from time import monotonic, sleep

from . import loop_blocks, loop_stacks, requests, spool
from .loop_blocks import LONG, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OFTEN = 0.01
_SELDOM = 0.05
_SOON = 0.001
# A stretch of this length is looked at, long or not: who asks for the interpreter lock gets it 5 ms later, and a block that is
# a little longer than `LONG` would be over by then.
_EARLY = 0.4 * LONG
# How long it goes on often after the last request.
_AFTER = 0.2
_LONGEST_STOP = 0.1
# A block is looked at this often whenever it has grown to the double of its length, or as often as we look at all.
_LOOKS = 10


class _Thread:
    """One life of the thread."""

    def __init__(self) -> None:
        self.wake = allocate_lock()
        self.wake.acquire()
        self.stopping = False
        self.resting = False
        self.native = 0
        self.done = True

    def nudge(self) -> None:
        """Let it look now."""
        self.resting = False
        try:
            self.wake.release()
        except RuntimeError:
            return  # another thread was quicker


_thread: _Thread | None = None
_starting = allocate_lock()
_at_exit = False


def needed() -> None:
    """A request begins in a loop of this thread."""
    thread = _thread
    if thread is None:
        _start()
    elif thread.resting:
        thread.nudge()


def _start() -> None:
    global _thread, _at_exit
    if spool.closed or not _starting.acquire(False):
        return
    try:
        if _thread is None:
            _thread = _Thread()
            if not _stands_still():
                return
            if not _at_exit:
                import atexit

                atexit.register(stop)
                _at_exit = True
            _thread.done = False
            start_new_thread(_run, (_thread,))
    except Exception as error:
        spool.broken("what blocks the event loop", error)
    finally:
        _starting.release()


def _stands_still() -> bool:
    """Without the interpreter lock, frames change while they are read."""
    enabled: Any = getattr(sys, "_is_gil_enabled", None)
    if enabled is None or enabled():
        return True
    spool.gap(
        "which code blocks the event loop",
        "this Python runs without the interpreter lock: another thread's frames cannot be read safely",
        "measure with a Python that has the lock",
    )
    return False


def _run(me: _Thread) -> None:
    me.native = get_native_id()
    busy = 0.0
    try:
        while not me.stopping and not spool.closed:
            now = monotonic()
            if requests.in_flight:
                busy = now
            wait = LONG
            for loop in tuple(loop_blocks.loops):
                try:
                    wait = min(wait, _look_after(loop, now))
                except RuntimeError:  # it was closed at this moment
                    continue
            me.resting = now - busy > _AFTER
            me.wake.acquire(True, _SELDOM if me.resting else wait)
    except Exception as error:
        spool.broken("what blocks the event loop", error)
    finally:
        me.done = True


def _look_after(loop: Loop, now: float) -> float:
    """In how many seconds it may be worth to look again."""
    target: Any = None
    if loop.target is not None:
        target = loop.target()
        if target is None or target.is_closed():
            loop_blocks.loops.remove(loop)
            return LONG
        if not target.is_running():
            loop.since = 0.0
            return LONG
    since = _since(loop)
    if since and now - since > _EARLY:
        if since != loop.looked or now - loop.last_look > (now - since) / _LOOKS:
            _look(loop, since, target, now)
        return _OFTEN
    if target is not None and not loop.selects and not loop.since and requests.in_flight:
        loop.since = now
        target.call_soon_threadsafe(loop.came, now)
    if not loop.selects:
        return _OFTEN
    # What has not begun yet has lasted for `_EARLY` at that time at most.
    return max(since + _EARLY - now, _SOON) if since else _EARLY


def _since(loop: Loop) -> float:
    """When the stretch began that goes on now. Without select: the callback's waiting, or a request's step before it."""
    if loop.selects or loop.request is None:
        return loop.since
    return min(loop.since, loop.step) if loop.since else loop.step


def _look(loop: Loop, since: float, target: Any, now: float) -> None:
    """What was seen for longest stays, the project's own code before any other."""
    stack = loop_stacks.running(getattr(target, "_thread_id", None) or loop.thread)
    if since != _since(loop):
        return  # it ended while we looked
    request = loop_blocks.owner(loop)
    found = (request, stack, loop_blocks.behind(request))
    if since != loop.looked:
        loop.found = found
        loop.looked = since
        loop.looks = {}
        loop.last_look = since
    code = loop_stacks.project(stack)
    looks = loop.looks
    looks[code] = looks.get(code, 0.0) + now - loop.last_look
    loop.last_look = now
    own = [seconds for seen, seconds in looks.items() if seen is not None]
    longest = looks[code] >= max(own, default=0.0) and (code is not None or not own)
    if longest and since == _since(loop):
        loop.found = found


def stop() -> None:
    """Come back when the thread is gone, for the kernel as well: a fork beside a thread warns from Python 3.12 on."""
    global _thread
    thread = _thread
    if thread is None:
        return
    thread.stopping = True
    thread.nudge()
    until = monotonic() + _LONGEST_STOP
    while (not thread.done or _lives(thread.native)) and monotonic() < until:
        sleep(0.0002)
    _thread = None


def _lives(native: int) -> bool:
    return native != 0 and os.path.exists("/proc/self/task/%d" % native)


def _forget() -> None:
    """A forked process has no such thread yet."""
    global _thread, _starting
    _thread = None
    _starting = allocate_lock()


def begin() -> None:
    """Nothing starts here."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=stop)
    spool.after_fork.append(_forget)
    loop_blocks.when_needed.append(needed)
