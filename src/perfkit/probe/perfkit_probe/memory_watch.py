"""A thread that looks at the heap every second, and through what the process keeps every two, and tells what grows; while the
process starts, it follows what imports take. Only where memory is asked for.

It is gone while the process forks, and comes back with a collection of garbage later on: a fork beside a thread warns from
Python 3.12 on. One look costs at most a hundredth of the time until the next, of the first ten a fortieth.
"""

from __future__ import annotations

import gc
import os
import sys
from _thread import allocate_lock, get_native_id, start_new_thread
from math import inf
from time import monotonic, sleep, thread_time

from . import containers, memory_figures, memory_garbage, memory_imports, spool
from .container_sizes import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

EVERY = 2.0
HEAP_EVERY = 1.0
# The first looks may cost more, so that half a minute is enough to see what grows.
_SHARE, _EARLY_SHARE, _EARLY_LOOKS = 100, 40, 10
# Every sixth look goes through everything, and the first ones, while the process takes its shape; the others pass by what held nothing.
_WHOLE, _EARLY_WHOLE = 6, 4
# Below this many entries nothing that grows is worth a word.
_LEAST = 50
_MOST = 200
_LONGEST_STOP = 0.1
_REST_AFTER_FORK = 1.0


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
_barren: frozenset[int] = frozenset()
_looks = 0
_lengths: dict[str, int] = {}
_growing: dict[str, int] = {}


def begin(folder: str) -> None:
    """`folder` is the spool, which may ask for tracemalloc as well."""
    global _traces, _registered
    if os.path.exists(os.path.join(folder, "allocations-1.json")):
        from . import memory_traces

        memory_traces.begin(folder)
        _traces = memory_traces
    spool.after_fork.append(_begin_again)
    gc.callbacks.append(_collection)
    memory_garbage.begin()
    if not _registered:  # whatever is called at a fork is called at every one from then on
        _registered = True
        os.register_at_fork(before=_stop, after_in_parent=_rest)
        import atexit

        atexit.register(_end)
    _start()


def end() -> None:
    """No thread any more, and nothing known of what there was. Collections are the caller's to stop."""
    global _traces, _barren, _looks
    _stop()
    _traces = None
    _barren, _looks = frozenset(), 0
    _lengths.clear()
    _growing.clear()


def _end() -> None:
    """For good: a collection in the process's last moments would start it anew."""
    global _not_before
    _not_before = inf
    _stop()


def _begin_again() -> None:
    """A forked process keeps what its parent had, and has no such thread yet."""
    global _thread
    _thread = None
    _start()


def _rest() -> None:
    global _not_before
    _not_before = monotonic() + _REST_AFTER_FORK


def _collection(phase: str, info: Any) -> None:
    if _thread is None and phase == "stop" and not spool.closed and monotonic() > _not_before:
        _start()


def _start() -> None:
    global _thread
    if spool.closed or _thread is not None:
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
    try:
        starting = memory_imports.Watch()
        # Not at once: what such a look imports itself takes longer than a look at what the process imports may wait.
        heap_at, containers_at, looks = monotonic() + HEAP_EVERY / 2, monotonic() + EVERY / 4, 0
        pause = memory_imports.EVERY
        while not me.wake.acquire(True, pause) and not me.stopping and not spool.closed:
            if not starting.over:
                starting.look()
            if monotonic() >= heap_at:
                heap_at = _next(HEAP_EVERY, tell_heap, _SHARE)
            if monotonic() >= containers_at:
                looks += 1
                containers_at = _next(EVERY, tell, _SHARE if looks > _EARLY_LOOKS else _EARLY_SHARE)
            pause = max(0.0, min(heap_at, containers_at) - monotonic()) if starting.over else memory_imports.EVERY
            if _traces is not None:
                _traces.look(monotonic())
                pause = min(pause, _traces.EVERY)
        starting.tell(monotonic())
    except Exception as error:
        spool.broken("growing containers", error)
    finally:
        me.done = True


def _next(every: float, look: Callable[[float], None], share: int) -> float:
    """Looks, and tells when to look again."""
    spent = thread_time()
    look(monotonic())
    return monotonic() + max(every, share * (thread_time() - spent))


def tell(at: float) -> None:
    """One look at containers: what is longer than it was is told of, and from then on at each look."""
    told = 0
    for kept in _look():
        before = _lengths.get(kept.name)
        _lengths[kept.name] = kept.length
        if kept.name in _growing:
            _growing[kept.name] = kept.length
        elif before is None or kept.length <= before or len(_growing) >= _MOST:
            continue
        else:
            _growing[kept.name] = kept.length
        told += 1
        spool.define(
            "container",
            at,
            kept.name[:300],
            kept.kind,
            kept.file,
            kept.line,
            kept.path[:300],
            kept.length,
            size_of(kept),
            kept.bound,
            kept.hits,
            kept.misses,
        )
    spool.define("look", at, told)
    spool.flush()


def _look() -> list[containers.Kept]:
    global _barren, _looks
    whole = _looks < _EARLY_WHOLE or _looks % _WHOLE == 0
    _looks += 1
    look = containers.Look(frozenset() if whole else _barren, _LEAST)
    found = look.run()
    if whole:
        _barren = frozenset(look.barren)
    return found


def tell_heap(at: float) -> None:
    """One look at the heap, and what collections have found since the last one."""
    generations = gc.get_stats()
    threads = len(sys._current_frames()) - 1  # without this one
    collections = sum(found["collections"] for found in generations)
    collected = sum(found["collected"] for found in generations)
    pauses = memory_garbage.seconds, memory_garbage.longest
    memory_garbage.longest = 0.0
    heap = (
        memory_figures.anonymous(),
        sys.getallocatedblocks(),
        *memory_figures.small_objects(),
        *memory_figures.malloc(),
    )
    spool.define("heap", at, threads, *heap, collections, generations[-1]["collections"], collected, *pauses)
    memory_garbage.tell()
    spool.flush()
