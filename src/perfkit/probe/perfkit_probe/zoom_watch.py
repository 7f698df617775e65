"""A thread that looks for wishes in the spool, counts as they say, and leaves `lines-PID-HEX.json` or `calls-PID-HEX.json` there.

In a launched target it begins when the process does something: its first request, its first call of a function that is
counted, or a collection of garbage when it has lived for a while. It is gone while the process forks. Whatever ends a wish
(its time, the end of perfkit, the end of the spool) takes every hook out of the target again. In a process that perfkit has
come into, `attached` is its guest: looked after each time, and gone before it.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from time import monotonic, sleep

from . import zoom_counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .zoom_wishes import Wish

_LOOK = 0.25
_WRITE = 1.0
_GROWN_UP = 1.0
_LONGEST_STOP = 0.1
_threads: Any = __import__("_thread")
if "gevent.monkey" in sys.modules:  # a greenlet would wait for the others
    _saved: Any = getattr(sys.modules["gevent.monkey"], "saved", {})
    _start_thread = _saved.get("_thread", {}).get("start_new_thread", _threads.start_new_thread)
    _make_lock = _saved.get("_thread", {}).get("allocate_lock", _threads.allocate_lock)
else:
    _start_thread, _make_lock = _threads.start_new_thread, _threads.allocate_lock


def _counter() -> Any:
    """What counts as the wish says: nobody pays for it before there is one."""
    if _counts == "calls":
        from . import zoom_calls

        return zoom_calls
    from . import zoom_lines

    return zoom_lines


def _wishes() -> Any:
    from . import zoom_wishes

    return zoom_wishes


class _Thread:
    """One life of the thread."""

    def __init__(self) -> None:
        self.wake = _make_lock()
        self.wake.acquire()
        self.stopping = False
        self.native = 0
        self.done = False


_folder = ""
_named = ""  # a wish that was there at the start, anywhere
_thread: _Thread | None = None
_starting = _make_lock()
_ready = False  # to start the thread with whatever comes first
_listening = False
_ours = False  # the hooks for forks and the end are in place
_began = 0.0
_wish: Wish | None = None
_counts = "lines"  # what the last wish was about
_guest: Any = None
_path = ""
_written = 0.0


def begin(folder: str, wish: str) -> None:
    """In a launched target, at load. `wish`: "1", or the path of one that counts from the start."""
    global _folder, _named
    _folder = folder
    _named = "" if wish == "1" else wish
    _prepare()
    if _named:
        found = _wishes().read(_named, monotonic())
        if found is not None and found.holds(monotonic()):
            _start(found, at_load=True)
    _be_ready()


def watch(spool_folder: str, guest: Any = None) -> None:
    """In a process that runs, from now on. `guest.look(now)` is called at each look, until it gives False; `guest.leave()` when
    all ends. Raises RuntimeError where a thread looks into another folder already."""
    global _folder, _guest
    if _ready or (_thread is not None and _folder != spool_folder):
        raise RuntimeError("another perfkit is at work in it")
    if _thread is None:
        _folder, _guest = spool_folder, guest
        _prepare()
        _begin_thread()


def _prepare() -> None:
    global _ours
    if _ours:
        return
    _ours = True
    import atexit

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
    atexit.register(_at_exit)


def _be_ready() -> None:
    """Start nothing, and the thread as soon as there is something to do."""
    global _ready, _listening, _began
    _ready = True
    _began = monotonic()
    if _listening:
        return
    _listening = True
    zoom_counts.when_first.append(_needed)
    gc.callbacks.append(_collected)
    requests: Any = sys.modules.get(__package__ + ".requests")
    if requests is not None:
        genuine = requests.Request.__init__

        def __init__(self: Any, kind: int, endpoint: str) -> None:
            genuine(self, kind, endpoint)
            if _ready:
                _needed()

        requests.Request.__init__ = __init__


def _collected(phase: str, info: dict[str, int]) -> None:
    if _ready and monotonic() - _began > _GROWN_UP:
        _needed()


def _needed() -> None:
    if _ready:
        try:
            _begin_thread()
        except Exception as error:
            _failed(error)


def _begin_thread() -> None:
    global _thread, _ready
    if sys.is_finalizing() or not _starting.acquire(False):
        return
    try:
        if _thread is None:
            _ready = False
            _thread = _Thread()
            _start_thread(_run, (_thread,))
    except Exception as error:
        _thread = None
        _failed(error)
    finally:
        _starting.release()


def _run(me: _Thread) -> None:
    global _thread
    try:
        me.native = getattr(_threads, "get_native_id", int)()
        while not me.stopping and _look():
            me.wake.acquire(True, _LOOK)
    except Exception as error:
        _failed(error)
    finally:
        if not me.stopping:
            _stop(_write)
            if _guest is not None:
                _guest.leave()
            _thread = None
        me.done = True


def _look() -> bool:
    """Do what the spool says now. False: it is gone, and so is all reason to be here."""
    now = monotonic()
    if _guest is not None and not _guest.look(now):
        return False
    try:
        wish = _wishes().newest(_folder, now, _named)
    except OSError:
        _stop(None)
        return False
    if wish is not None and not wish.holds(now):
        wish = None
    if wish is not None and _wish is not None and wish.is_like(_wish):
        _wish.until = wish.until
    elif wish is not None or _wish is not None:
        _stop(_write)
        if wish is not None and (wish.functions or wish.what == "calls"):
            _start(wish)
    if _wish is not None and _counter().counting():
        _counter().look_again()  # it may end by itself
        if now - _written > _WRITE or not _counter().counting():
            _write()
    return True


def _start(wish: Wish, at_load: bool = False) -> None:
    global _wish, _written, _counts
    _wish, _counts = wish, wish.what
    counter = _counter()
    (counter.at_load if at_load else counter.start)(wish.functions)
    _name_file()
    _written = monotonic()
    if not _counter().counting():
        _write()  # the reason is all that there is to tell


def _stop(write: Any) -> None:
    global _wish
    if _wish is None:
        return
    _wish = None
    counted = _counter().counting()
    _counter().stop()
    if counted and write is not None:
        write()


def _name_file() -> None:
    global _path
    _path = "%s/%s-%d-%x.json" % (_folder, _counts, os.getpid(), int(_counter().began() * 1e6))


def _write() -> None:
    """The file is there whole or not at all. What cannot be written is lost: the target does not notice."""
    global _written
    _written = monotonic()
    part = _path + ".part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        data = json.dumps(_counter().counted()).encode("ascii")
        file = os.open(part, flags, 0o600)
        try:
            whole = os.write(file, data) == len(data)
        finally:
            os.close(file)
        if whole:
            os.replace(part, _path)
        else:
            os.unlink(part)
    except (OSError, RuntimeError, ValueError):
        return


def _at_exit() -> None:
    global _ready
    _ready = False
    thread = _thread
    if thread is not None:
        _end(thread)
    try:
        _stop(_write)
    except Exception as error:
        _failed(error)


def _end(thread: _Thread) -> None:
    """Come back when the thread is gone, for the kernel as well: a fork beside a thread warns from Python 3.12 on."""
    global _thread
    thread.stopping = True
    if thread.wake.locked():
        thread.wake.release()
    until = monotonic() + _LONGEST_STOP
    while (not thread.done or _lives(thread.native)) and monotonic() < until:
        sleep(0.0002)
    _thread = None


def _lives(native: int) -> bool:
    return native != 0 and os.path.exists("/proc/self/task/%d" % native)


_forked = False


def _before_fork() -> None:
    global _forked
    thread = _thread
    _forked = thread is not None
    if thread is not None:
        _end(thread)


def _after_fork() -> None:
    if _forked:
        _begin_thread()


def _in_child() -> None:
    """It counts from nothing, into a file of its own."""
    global _starting, _thread
    _starting = _make_lock()
    _thread = None
    if _wish is not None:
        _counter().after_fork()
        _name_file()
    if _listening:
        _be_ready()
    elif _forked:
        _begin_thread()


def _failed(error: Exception) -> None:
    zoom_counts.gap("hits and seconds of lines", "the probe failed: %s" % type(error).__name__, "zoom in again")
