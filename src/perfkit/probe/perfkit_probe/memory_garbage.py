"""Collections of garbage: how many seconds they take in all, and now and then what one of them finds, by type, and where.

The callbacks run inside of whatever the thread was doing: they take no lock, write no file and define no name. Counting
types costs as much as the collection itself, which is why it is done twice a second at most.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from time import monotonic

from . import class_slots, memory_figures, sites, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EVERY = 0.5
# Of the two youngest generations; the oldest holds too many to count.
_MOST_OBJECTS = 30_000
_MOST_KEPT = 50
_TYPES = 3
# From here on generations are no longer collected one by one.
_GENERATIONS = sys.version_info < (3, 14)
# A look takes twice as long as until it begins: what it takes at all is a hundredth of the time.
_SHARE = 200

seconds = 0.0
longest = 0.0
_started = 0.0
_next = 0.0
_before: Any = None
_seen: list[tuple[object, ...]] = []


def begin() -> None:
    spool.after_fork.append(_begin_again)
    gc.callbacks.append(_collection)


def _begin_again() -> None:
    del _seen[:]


def _collection(phase: str, info: Any) -> None:
    global seconds, longest, _started, _before
    if phase == "start":
        try:
            _before = _look(info["generation"]) if monotonic() >= _next and not spool.closed else None
        except Exception:  # saying so would write a file
            _before = None
        _started = monotonic()
        return
    spent = monotonic() - _started
    seconds += spent
    longest = max(longest, spent)
    if _before is not None:
        before, _before = _before, None
        try:
            _compare(before, info)
        except Exception:
            return


def _look(generation: int) -> tuple[float, int, Any]:
    """What is there before it begins: bytes in use, and the types of young objects, one each."""
    global _next
    at = monotonic()
    in_use = memory_figures.in_use()
    kinds = None
    if not generation and _GENERATIONS and (gc.get_count()[1] + 1) * gc.get_threshold()[0] <= _MOST_OBJECTS:
        kinds = list(map(type, gc.get_objects(0) + gc.get_objects(1)))
    _next = at + max(EVERY, _SHARE * (monotonic() - at))
    return at, in_use, kinds


def _compare(before: tuple[float, int, Any], info: Any) -> None:
    at, in_use, kinds = before
    collected = info["collected"]
    if not collected or len(_seen) >= _MOST_KEPT:
        return
    freed = max(0, in_use - memory_figures.in_use())
    types: tuple[object, ...] = ("", "", 0)
    if kinds is not None:
        # By number: what a metaclass has to say about being equal would be code of the application's.
        gone = Counter(map(id, kinds))
        gone.subtract(Counter(map(id, map(type, gc.get_objects(1)))))
        types = _told([(kind, gone[id(kind)]) for kind in {id(kind): kind for kind in kinds}.values()], collected)
    _seen.append((at, sites.site(3), info["generation"], collected, freed, *types))


def _told(gone: Any, collected: int) -> tuple[object, ...]:
    """The types of what is gone, the application's own before built-in ones, and where the first is written."""
    named = [(class_slots.title_of(kind), n, kind) for kind, n in gone if n > 0.02 * collected]
    named.sort(key=lambda one: ("." not in one[0], -one[1]))
    place = class_slots.place_of(named[0][2]) if named else ("", 0)
    return ", ".join(["%s %d" % one[:2] for one in named[:_TYPES]]), *place


def tell() -> None:
    """What was seen since the last time."""
    while _seen:
        spool.define("garbage", *_seen.pop(0))
