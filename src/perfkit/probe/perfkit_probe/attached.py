"""The probe in a process that ran before perfkit came: a thread of its own begins it, and takes all of it out again.

What is wanted stands in `attach-1.json` in the spool. When that is gone, its time is over or its owner has ended, so are all hooks;
the empty file `left-PID` says so. Objects that were made meanwhile keep their classes, which then pass everything on.
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


def begin(folder: str) -> None:
    """Called in the process's main thread, which it keeps for a moment only. Raises where another perfkit is at work there."""
    global _folder, _wish
    if folder == _folder:
        return  # its parent had it when it forked
    if not spool.closed or _began:
        raise RuntimeError("another perfkit is at work in it")
    zoom_watch.watch(folder, sys.modules[__name__])
    _folder, _wish = folder, None


def look(now: float) -> bool:
    """Do what is wanted. False: nothing any more."""
    global _wish
    found = zoom_wishes.read(os.path.join(_folder, "attach-1.json"), now)
    if found is None:
        return False
    if _wish is None or not found.is_like(_wish):
        _wish = found
    if not _wish.holds(now):
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

        memory_watch.begin()
    import atexit

    atexit.register(spool.flush)


def leave() -> None:
    """Never raises."""
    global _began, _folder
    folder, _folder = _folder, ""
    try:
        if _began:
            _began = False
            _take_out()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        os.close(os.open(os.path.join(folder, "left-%d" % os.getpid()), flags, 0o600))
    except Exception:  # the folder is gone, and with it whoever would read this
        return


def _take_out() -> None:
    from . import hooks

    hooks.remove()
    hooks.late = False
    spool.flush()
    spool.close()
    loops = sys.modules.get(__package__ + ".loop_blocks")
    if loops is not None:
        loops.remove()
    for callback in [one for one in gc.callbacks if getattr(one, "__module__", "").startswith(__package__ + ".")]:
        gc.callbacks.remove(callback)
    # What comes again next time is not to be done twice, and a thread only where memory is asked for.
    again = [step for step in spool.after_fork if step.__module__ != __package__ + ".memory_watch"]
    spool.after_fork[:] = dict.fromkeys(again)
    import atexit

    atexit.unregister(spool.flush)
