"""Event loops, and the stretches for which their thread did not go back to wait for I/O: spans of kind block.

asyncio's own loops: the selector's `select` says exactly when a stretch begins and ends. Others (uvloop, written in C) have
nothing to hold on to: steps of requests that take long are blocks, and while requests are in flight a callback is asked for
a hundred times a second, which comes late when something else blocks. What blocks is looked at while it does, by
`loop_watcher`; where C code keeps the interpreter lock to itself, the look comes right behind it.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from _weakref import ref
from time import monotonic

from . import events, loop_stacks, requests, spool
from .requests import BLOCK, Request, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable

LONG = 0.02
_MOST_LOOPS = 64
_NOTHING: tuple[Request | None, loop_stacks.Stack, int] = (None, (), -1)


class Loop:
    """What is known of one event loop. Times are monotonic, 0.0 means: not now."""

    __slots__ = (
        "_told",
        "found",
        "last_look",
        "looked",
        "looks",
        "request",
        "selects",
        "since",
        "step",
        "target",
        "thread",
    )

    def __init__(self, target: Any) -> None:
        self.target = ref(target) if target is not None else None
        self.thread = get_ident()
        # Whether `since` is when select returned, or else when a callback was asked for that has not come yet.
        self.selects = False
        self.since = 0.0
        # The request whose step runs now, and since when.
        self.request: Request | None = None
        self.step = 0.0
        # The stretch (by its beginning) that was looked at, and what it was: request, stack, how many waited.
        self.looked = 0.0
        self.found = _NOTHING
        # By innermost code of the project: for how long it was seen.
        self.looks: dict[CodeType | None, float] = {}
        self.last_look = 0.0
        self._told = 0.0

    def slow(self, request: Request, since: float, seconds: float) -> None:
        """A step of a request took longer than `LONG`: what comes behind it in the same turn of the loop is another block."""
        now = monotonic()
        if not self.selects:
            self._told = now
            self._write(since, seconds, request)
        elif self.since and now - self.since > LONG:
            self._write(self.since, now - self.since, request)
            self.since = now

    def ended(self, since: float) -> None:
        """A stretch that was longer than `LONG` is over."""
        self._write(since, monotonic() - since, None)

    def came(self, since: float) -> None:
        """The callback that was asked for at `since` runs."""
        if since != self.since:
            return
        self.since = 0.0
        seconds = monotonic() - since
        if seconds > LONG and self._told < since:
            self._write(since, seconds, None)

    def _write(self, since: float, seconds: float, known: Request | None) -> None:
        try:
            request, stack, waiting = self.found if self.looked and self.last_look >= since else _NOTHING
            request = known or request
            if waiting < 0:
                waiting = behind(request)
            number = 0 if request is None else request.number
            name = requests.name("event loop")
            packed = events.SPAN(b"S", BLOCK, number, name, loop_stacks.number(stack), since, seconds, waiting, 0)
            spool.append(packed)
        except Exception as error:
            spool.broken("blocks of the event loop", error)


def behind(request: Request | None) -> int:
    """How many requests wait while `request` has the loop's thread."""
    own = request is not None and not request.ended
    return max(0, requests.in_flight - own)


def owner(loop: Loop) -> Request | None:
    """The request for which the loop works at this moment, asked from another thread."""
    if loop.request is not None:
        return loop.request
    asyncio, target = sys.modules.get("asyncio.tasks"), loop.target and loop.target()
    if asyncio is None or target is None or sys.version_info < (3, 12):
        return None  # a task does not tell its context
    task = asyncio.current_task(target)
    context = task.get_context() if task is not None and hasattr(task, "get_context") else None
    return None if context is None else context.get(current)


loops: list[Loop] = []
# What looks at them while requests are served.
when_needed: list[Callable[[], None]] = []
_without: list[Loop] = []


def here() -> Loop:
    """The loop that runs in this thread, known from now on. A request begins in it. Never raises."""
    try:
        events = sys.modules.get("asyncio.events")
        target = None if events is None else events._get_running_loop()
        found: Loop | None = getattr(target, "perfkit_loop", None)
        loop = found if found is not None else _met(target)
        for step in when_needed:
            step()
        return loop
    except Exception as error:
        spool.broken("blocks of the event loop", error)
        return Loop(None)


def _met(target: Any) -> Loop:
    if target is None:
        return _unknown()
    loop = Loop(target)
    target.perfkit_loop = loop
    selector = getattr(target, "_selector", None)
    if hasattr(selector, "select") and hasattr(target, "_run_once"):
        _timed(selector, loop)
    elif not hasattr(target, "call_soon_threadsafe"):
        return loop
    if len(loops) < _MOST_LOOPS:
        loops.append(loop)
    return loop


def _unknown() -> Loop:
    """The thread of a framework that does not run on asyncio: steps of requests are all that can be seen."""
    thread = get_ident()
    for loop in _without:
        if loop.thread == thread:
            return loop
    if not _without:
        spool.gap(
            "what blocks the event loop outside of a request's own steps",
            "the application does not run on asyncio",
            "run it on asyncio to see it",
        )
    loop = Loop(None)
    _without.append(loop)
    loops.append(loop)
    return loop


def _timed(selector: Any, loop: Loop) -> None:
    """Let this selector say when a stretch begins and ends. Costs each turn of the loop a quarter of a microsecond."""
    original = selector.select

    def select(timeout: Any = None) -> Any:
        since = loop.since
        if since and monotonic() - since > LONG:
            loop.ended(since)
        loop.since = 0.0
        try:
            return original(timeout)
        finally:
            loop.since = monotonic()

    selector.select = select
    loop.selects = True
    loop.since = monotonic()


def remove() -> None:
    """Leave the loops as they were."""
    for loop in loops:
        target: Any = None if loop.target is None else loop.target()
        if loop.selects:
            vars(target._selector).pop("select", None)
        if target is not None:
            vars(target).pop("perfkit_loop", None)
    del loops[:], _without[:]


def _forget() -> None:
    """In a forked process nothing of the parent's runs."""
    for loop in loops:
        loop.since = 0.0
        loop.request = None


def begin() -> None:
    loop_stacks.begin()
    spool.after_fork.append(_forget)
