"""Looks at memory, and what they tell: at the heap every second, and through what the process keeps every two.

They are taken where a request has ended and no other one is under way; a thread of its own takes those that nobody else does. A
thread that waits for the interpreter, beside one that lets go of it for a moment at each statement, makes both of them work:
some ten milliseconds each time, more than most looks take.

One look costs at most a hundredth of the time until the next, of the first ten a fortieth.
"""

from __future__ import annotations

import gc
import sys
from _thread import _count, allocate_lock
from math import inf
from time import monotonic, thread_time

from . import containers, memory_figures, memory_garbage, spool
from .container_sizes import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

EVERY = 2.0
HEAP_EVERY = 1.0
# What is due so soon is taken at once.
_TOGETHER = 0.25
# The first looks may cost more, so that half a minute is enough to see what grows.
_SHARE, _EARLY_SHARE, _EARLY_LOOKS = 100, 40, 10
# Every sixth look goes through everything, and the first ones, while the process takes its shape; the others pass by what held nothing.
_WHOLE, _EARLY_WHOLE = 6, 4
# Below this many entries nothing that grows is worth a word.
_LEAST = 50
_MOST = 200
# Seconds of CPU time: looks that take longer are not for the thread that serves.
_LONGEST_BETWEEN = 0.05
# A thread leaves looks to requests for so long since one of them took some.
_PATIENCE = 5.0

own_threads = 0
_under_way = allocate_lock()
_heap_at = _containers_at = inf
_between_at = -inf
_looks = 0
_heap_took = 0.0
# What a look at containers took last time, one through everything and one that passes by.
_took = {True: inf, False: inf}
_barren: frozenset[int] = frozenset()
_lengths: dict[str, int] = {}
_growing: dict[str, int] = {}


def begin() -> None:
    global _heap_at, _containers_at
    _heap_at = _containers_at = monotonic() + HEAP_EVERY / 2


def begin_again() -> None:
    """In a forked process: a thread of the parent may have been at it."""
    global _under_way
    _under_way = allocate_lock()
    begin()


def end() -> None:
    """Nothing is known any more of what there was."""
    global _barren, _looks, _between_at, _heap_took
    stop()
    _barren, _looks, _between_at, _heap_took = frozenset(), 0, -inf, 0.0
    _took.update({True: inf, False: inf})
    _lengths.clear()
    _growing.clear()


def stop() -> None:
    global _heap_at, _containers_at
    _heap_at = _containers_at = inf


def between_requests(now: float) -> None:
    """What is due, unless it would take long: the next request waits, or the answer to this one. Never raises."""
    global _between_at
    if (now >= _heap_at and _heap_took <= _LONGEST_BETWEEN) or (
        now >= _containers_at and _expected() <= _LONGEST_BETWEEN
    ):
        take(_LONGEST_BETWEEN)
        _between_at = now


def waiting(now: float) -> float:
    """Seconds until there is something to do for a thread."""
    if now - _between_at > _PATIENCE:
        return min(_heap_at, _containers_at) - now
    at = _between_at + _PATIENCE
    if _heap_took > _LONGEST_BETWEEN:
        at = min(at, _heap_at)
    if _expected() > _LONGEST_BETWEEN:
        at = min(at, _containers_at)
    return at - now


def take(longest: float = inf) -> None:
    """What is due, but for what seems to take more than so many seconds. Never raises."""
    global _heap_at, _containers_at, _heap_took
    lock = _under_way  # a fork meanwhile makes another one
    if not lock.acquire(False):
        return
    try:
        now = monotonic()
        if now >= _heap_at - _TOGETHER and _heap_took <= longest:
            _heap_took = _seconds(tell_heap)
            _heap_at = now + max(HEAP_EVERY, _SHARE * _heap_took)
        if now >= _containers_at - _TOGETHER and _expected() <= longest:
            whole = _is_whole()
            _took[whole] = _seconds(tell)
            share = _SHARE if _looks > _EARLY_LOOKS else _EARLY_SHARE
            _containers_at = now + max(EVERY, share * _took[whole])
    except Exception as error:
        stop()
        spool.broken("growing containers", error)
    finally:
        lock.release()


def _seconds(look: Callable[[float], None]) -> float:
    spent = thread_time()
    look(monotonic())
    return thread_time() - spent


def _expected() -> float:
    """What the next look at containers takes, in seconds."""
    return _took[True] if _is_whole() else min(_took.values())


def _is_whole() -> bool:
    return _looks < _EARLY_WHOLE or _looks % _WHOLE == 0


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


def _look() -> list[containers.Kept]:
    global _barren, _looks
    whole = _is_whole()
    _looks += 1
    look = containers.Look(frozenset() if whole else _barren, _LEAST)
    found = look.run()
    if whole:
        _barren = frozenset(look.barren)
    return found


def tell_heap(at: float) -> None:
    """One look at the heap, and what collections have found since the last one."""
    generations = gc.get_stats()
    threads = 1 + _count() - own_threads
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
