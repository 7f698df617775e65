"""The probe in a process that ran before perfkit came: a thread of its own begins it, and takes all of it out again.

What is wanted stands in `attach-1.json` in the spool. When that is gone, its time is over or its owner has ended, so are all hooks;
the empty file `left-PID` says so. Objects that were made meanwhile keep their classes, which then pass everything on.

In a container the probe is a copy, in a folder that holds the spool, too. Its owner, whom nobody sees from there, has a lock on a
file of it. A folder that nobody owns any more is removed by whoever leaves it.
"""

from __future__ import annotations

import gc
import os
import sys

from . import spool, zoom_watch, zoom_wishes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .zoom_wishes import Wish

_folder = ""
_wish: Wish | None = None
_began = False
_abandoned = False  # whoever brought it was killed


def begin(folder: str) -> None:
    """Called in the process's main thread, which it keeps for a moment only. Raises where another perfkit is at work there."""
    global _folder, _wish
    if folder == _folder:
        return  # its parent had it when it forked
    if not spool.closed or _began:
        raise RuntimeError("another perfkit is at work in it")
    before, _folder, _wish = _folder, folder, None  # the thread may look before it is started to the end
    try:
        zoom_watch.watch(folder, sys.modules[__name__])
    except RuntimeError:
        _folder = before
        raise


def look(now: float) -> bool:
    """Do what is wanted. False: nothing any more."""
    global _wish
    found = zoom_wishes.read(os.path.join(_folder, "attach-1.json"), now)
    if found is None:
        return False
    if _wish is None or not found.is_like(_wish):
        _wish = found
    if not _wish.holds(now) or not _owned(_wish.settings.get("lock")):
        return False
    if _wish.settings.get("probe") is True and not _began:
        _begin(_wish.settings)
    return True


def _begin(settings: dict[str, Any]) -> None:
    global _began
    from . import gc_pauses, hooks, requests, sites

    _began = True
    hooks.late = True
    sites.begin([str(root) for root in settings.get("project", ())])
    requests.begin()
    requests.thread_is_shared = bool(getattr(sys.modules.get("gevent.monkey"), "saved", None))
    spool.open_in(_folder, settings.get("literals") is True)
    gc_pauses.begin()
    hooks.begin()
    if settings.get("memory") is True:
        from . import memory_watch

        memory_watch.begin(_folder)
    import atexit

    atexit.register(spool.flush)


def _owned(lock: Any) -> bool:
    """Whether somebody has a lock on that file. Without one the wish knows its owner."""
    global _abandoned
    if not isinstance(lock, str):
        return True
    file = -1
    try:
        file = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lockf(file, os.F_TEST, 0)
        _abandoned = True
    except FileNotFoundError:
        return False
    except OSError:
        return True
    finally:
        if file >= 0:
            os.close(file)
    return False


def leave() -> None:
    """Never raises."""
    global _began, _folder, _abandoned
    folder, _folder = _folder, ""
    began, _began = _began, False
    for step in _STEPS if began else ():
        try:
            step()
        except Exception:  # the others are to be done all the same
            continue
    if not folder:
        return
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        os.close(os.open(os.path.join(folder, "left-%d" % os.getpid()), flags, 0o600))
    except Exception:  # the folder is gone, and with it whoever would read this
        pass
    if _abandoned:
        _abandoned = False
        _remove(os.path.dirname(folder))


def _loaded(name: str) -> Any:
    return sys.modules.get("%s.%s" % (__package__, name))


def _end_traces() -> None:
    traces = _loaded("memory_traces")
    if traces is not None:
        traces.end()


def _take_out_hooks() -> None:
    from . import hooks

    hooks.remove()
    hooks.late = False


def _end_memory() -> None:
    heap = _loaded("memory_watch")
    if heap is not None:
        heap.end()


def _end_loops() -> None:
    loops = _loaded("loop_blocks")
    if loops is not None:
        loops.remove()


def _end_callbacks() -> None:
    for callback in [one for one in gc.callbacks if str(getattr(one, "__module__", "")).startswith(__package__ + ".")]:
        gc.callbacks.remove(callback)


def _forget_steps() -> None:
    """What comes again next time is not to be done twice, and a thread only where memory is asked for."""
    memory = (__package__ + ".memory_watch", __package__ + ".memory_traces")
    spool.after_fork[:] = dict.fromkeys(step for step in spool.after_fork if step.__module__ not in memory)
    import atexit

    atexit.unregister(spool.flush)


_STEPS = (
    _end_traces,
    _take_out_hooks,
    _end_memory,
    spool.flush,
    spool.close,
    _end_loops,
    _end_callbacks,
    _forget_steps,
)


def _remove(lodging: str) -> None:
    """The copy of the probe and the spool in it. Others who leave do the same at the same time."""
    for place, folders, files in os.walk(lodging, topdown=False):
        for remove, names in ((os.unlink, files), (os.rmdir, folders)):
            for name in names:
                try:
                    remove(os.path.join(place, name))
                except OSError:
                    continue
    try:
        os.rmdir(lodging)
    except OSError:
        return
