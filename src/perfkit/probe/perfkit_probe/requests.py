"""The request that is being served, and the spans that belong to it.

A request is current in a context variable: it follows awaits, tasks and the thread pools that copy contexts.
"""

from __future__ import annotations

from _contextvars import ContextVar
from _thread import get_ident
from itertools import count
from time import monotonic

try:
    from time import thread_time
except ImportError:  # a platform without the clock

    def thread_time() -> float:
        return _UNKNOWN


from . import sites, spool
from .events import REQUEST, SPAN
from .spool import KEEP, KINDS, MANY_UNPACKED, REST, keep, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

SQL, FETCH, TRANSACTION, CONNECT, POOL, BLOCK, GC, COMPILE, RENDER, REGEX, JSON, IMPORT, HTTP, CALL = range(len(KINDS))
WSGI, ASGI, TASK, TEST = range(4)
_UNKNOWN = float("nan")
_MOST_NAMES = 10_000
_numbers = count(1)
# How many requests are being served in this process: what waits behind a blocked loop.
in_flight = 0
_rested_at = 0.0
# Greenlets: the clock of the thread that serves a request counts others as well.
thread_is_shared = False


class Request:
    """One request or task under way. `endpoint` may be set until it ends; its own method's name before the template is known."""

    __slots__ = ("cpu", "ended", "endpoint", "kind", "number", "size", "start", "status", "thread")

    def __init__(self, kind: int, endpoint: str) -> None:
        global in_flight
        self.kind = kind
        self.endpoint = endpoint
        self.number = next(_numbers)
        self.status = 0
        self.size = -1
        self.ended = False
        self.thread = get_ident()
        # An asynchronous request shares its thread: what it used itself is added up step by step.
        self.cpu = 0.0 if kind == ASGI else thread_time()
        self.start = monotonic()
        if not in_flight and not kept:
            spool.written_at = self.start  # what it leaves is written when it ends, rather than its first event at once
        in_flight += 1

    def end(self) -> None:
        """Write it down, once. Later spans of it are work that the client does not wait for."""
        global in_flight, _rested_at
        if self.ended:
            return
        self.ended = True
        now = monotonic()
        in_flight -= 1
        if self.kind == ASGI:
            cpu = self.cpu or _UNKNOWN
        elif get_ident() == self.thread and not thread_is_shared:
            cpu = thread_time() - self.cpu
        else:
            cpu = _UNKNOWN
        if spool.closed:
            return
        start = self.start
        try:
            number = _endpoints.get(self.endpoint) or endpoint(self.endpoint)
            keep(REQUEST(b"R", self.kind, self.number, number, start, now - start, cpu, self.status, self.size))
        except Exception as error:
            spool.broken("some requests", error)
            return
        # Where nothing is under way any more, no other event may come before a kill.
        if not in_flight and now - _rested_at > REST:
            _rested_at = now
            if self.kind != ASGI and not thread_is_shared:
                for step in resting:
                    step(now)
            spool.flush()
        elif now - spool.written_at > KEEP:
            spool.flush()
        elif len(kept) > MANY_UNPACKED:
            spool.pack()


resting: list[Callable[[float], None]] = []
"""What is done where a request has ended and no other one is under way, twenty times a second at most, with the time. Not on
an event loop nor among greenlets, where more than requests may wait. Never raises."""
current: ContextVar[Request | None] = ContextVar("perfkit_request", default=None)
get_current = current.get


def served() -> bool:
    """Whether a request has ended in this process, with no other one under way."""
    return _rested_at > 0


def in_request() -> bool:
    return get_current() is not None


def span(
    kind: int, name: int, start: float, seconds: float, count: int = -1, key: int = 0, stack: int | None = None
) -> None:
    """Write down what took from `start` (monotonic) for `seconds`. `stack` is a number from `sites`, else looked up here.

    Called by hooks, two frames below the call that they time.
    """
    if spool.closed:
        return
    request = get_current()
    try:
        keep(
            SPAN(
                b"S",
                kind,
                0 if request is None else request.number,
                name,
                sites.here(sites.hints_of(name)) if stack is None else stack,
                start,
                seconds,
                count,
                key,
            )
        )
        if start + seconds - spool.written_at > KEEP:
            spool.flush()
    except Exception as error:
        spool.broken("some spans", error)


_names: dict[str, int] = {}
_endpoints: dict[str, int] = {}
_name_numbers = count(1)


def name(text: str, system: str = "") -> int:
    """The number of a name: a statement without its literals, a template, a module, an address."""
    found = _names.get(text)
    if found is None:
        found = _defined(_names, "name", text, system)
    return found


def endpoint(text: str) -> int:
    found = _endpoints.get(text)
    if found is None:
        found = _defined(_endpoints, "endpoint", text)
    return found


def _defined(known: dict[str, int], kind: str, text: str, *more: str) -> int:
    if len(known) >= _MOST_NAMES:
        text = "(other)"
        if text in known:
            return known[text]
        spool.gap(
            "what some statements and templates were called" if kind == "name" else "the routes of some requests",
            "there were more than %d different ones in a process: further ones are all called (other)" % _MOST_NAMES,
            "send values as parameters, so that a statement's text stays the same",
        )
    number = next(_name_numbers)
    spool.define(kind, number, text, *more)
    known[text] = number
    return number


def _forget() -> None:
    global in_flight
    _names.clear()
    _endpoints.clear()
    in_flight = 0


def begin() -> None:
    spool.after_fork.append(_forget)


def carried(request: Request | None, function: Any) -> Any:
    """`function` as it is called in another thread, on behalf of `request`. The call site here, where this is called, counts
    for all that it does where that thread's own stack holds no line of the project."""
    asked_at = sites.asked_at(3)

    def call(*args: Any, **kwargs: Any) -> Any:
        token = current.set(request)
        before = sites.hand(asked_at)
        try:
            return function(*args, **kwargs)
        finally:
            sites.hand(before)
            current.reset(token)

    return call
