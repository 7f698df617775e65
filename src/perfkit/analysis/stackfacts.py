"""What one stack says about itself: where its request begins, which handler it runs, what its leaf does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from perfkit.model.recording import Frame, SourceFile, Stack, StackTable
from perfkit.shared import frameworks
from perfkit.shared.codeline import Lines
from perfkit.shared.origin import PROBE, ROUTE, module_path

LeafState = Literal["running", "lock", "io", "sleep", "idle"]


@dataclass(frozen=True, slots=True)
class StackFacts:
    """`request` is the index of the first frame inside the request, None outside of any; `handler` likewise. `worker` is the
    index at which a forked worker's own work begins: below it lie the frames of the parent that forked it. `probed` tells that
    the probe times this request, `spanned` that one of its spans owns this moment."""

    request: int | None
    handler: int | None
    endpoint: str | None
    leaf: LeafState
    pooled: bool
    worker: int
    by_test_client: bool
    event_loop: bool
    probed: bool
    spanned: bool


class Facts:
    """StackFacts by stack id, worked out once each. `searched` tells that spans hold searches for modules that are not there:
    the import system makes them without a frame of the probe. `asking` are lines whose waits for a database are all timed: what
    samples see there outside of spans is at work."""

    def __init__(
        self,
        stacks: StackTable,
        files: Mapping[str, SourceFile],
        lines: Lines,
        searched: bool = False,
        asking: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        self._searched = searched
        self._asking = asking
        self._stacks = stacks
        self._files = files
        self._lines = lines
        self._known: dict[int, StackFacts] = {}
        self._roles: dict[Frame, str] = {}
        self.asynchronous: set[int] = set()

    def of(self, stack: int) -> StackFacts:
        known = self._known.get(stack)
        if known is None:
            known = self._known[stack] = self._work_out(self._stacks.expand(stack))
        return known

    def in_request(self, stack: int, process: int) -> bool:
        """Whether a stack serves a request. A pool's thread does in a process that runs an event loop; elsewhere its work is
        a job of its own. `asynchronous` holds those processes, once `rows` has found them."""
        fact = self.of(stack)
        return fact.request is not None and (not fact.pooled or process in self.asynchronous)

    def waiting(self, stack: int) -> Literal["idle", "io"]:
        """What a stack does that stands at a place where work is waited for: idle, unless the project itself waits there
        (a request for an answer, a script for a process) and not a server or an event loop on its behalf."""
        fact = self.of(stack)
        for frame in reversed(self._stacks.expand(stack)[fact.request or 0 :]):
            if frame.origin == "app":
                return "io"
            if self._is_plumbing(frame):
                break
        return "idle" if fact.request is None else "io"

    def _work_out(self, frames: Stack) -> StackFacts:
        server = dispatcher = pool = marked = route = None
        spanned = False
        by_test_client = event_loop = False
        for index, frame in enumerate(frames):
            role = self._role(frame)
            if role == "server" and server is None:
                server = index
            elif role == "dispatcher":
                dispatcher = index
            elif role == "pool":
                pool = index
            elif role == "client":
                by_test_client = True
            elif role == "loop":
                event_loop = True
            elif role == "request" and marked is None:
                marked = index
            elif role == "route":
                route = index
            elif role == "span" or (role == "search" and self._searched and (marked is not None or route is not None)):
                spanned = True
            if role == "server" and "trace_task" in frame.function:
                dispatcher = index
        begin = server if server is not None else self._first_dispatcher(frames, dispatcher)
        if begin is None and marked is not None:
            begin = marked
        if begin is None and route is not None:
            begin = route - 1  # the probe carried the request into a pool's thread
        pooled = begin is None and pool is not None
        if pooled:
            begin = pool
        leaf = self._leaf(frames)
        request = None if begin is None else begin + 1
        if request is not None and leaf != "running" and self._only_server(frames, request):
            request = None
        handler = None if request is None else self._handler(frames, request, dispatcher if route is None else route)
        named = frames[route].function.removeprefix(ROUTE) if route is not None else None
        return StackFacts(
            request=request,
            handler=handler,
            endpoint=named or (None if handler is None else frames[handler].function),
            leaf=leaf,
            pooled=pooled,
            worker=max(
                (i + 1 for i, frame in enumerate(frames) if frameworks.listed(frameworks.FORKS, frame)), default=0
            ),
            by_test_client=by_test_client,
            event_loop=event_loop,
            # A task that goes on with a request has no frame of the probe until the route is known.
            probed=marked is not None
            or route is not None
            or (server is not None and frames[server].function.endswith("coro")),
            spanned=spanned,
        )

    def _role(self, frame: Frame) -> str:
        known = self._roles.get(frame)
        if known is None:
            known = self._roles[frame] = _role_of(frame)
        return known

    def _first_dispatcher(self, frames: Stack, last: int | None) -> int | None:
        """An application server that leaves no frame (uWSGI, mod_wsgi): the framework's own entry begins the request."""
        if last is None:
            return None
        return next(index for index, frame in enumerate(frames) if self._role(frame) == "dispatcher")

    def _only_server(self, frames: Stack, request: int) -> bool:
        """Whether nothing but the server and the standard library runs: it reads or waits for the client."""
        return all(
            frame.origin == "stdlib" or module_path(frame.file) in frameworks.SERVERS or self._is_server_file(frame)
            for frame in frames[request:]
        )

    def _is_server_file(self, frame: Frame) -> bool:
        top = module_path(frame.file).partition("/")[0]
        return top in {"gunicorn", "werkzeug", "uvicorn", "hypercorn", "waitress", "cheroot", "gevent", "eventlet"}

    def _handler(self, frames: Stack, request: int, dispatcher: int | None) -> int | None:
        """The first frame above the dispatcher that is the project's and does not merely wrap another, else a library's.

        Above a router or an application's entry only the very next frame is a handler: others may be middleware.
        """
        loose = dispatcher is not None and frameworks.is_entry(frames[dispatcher])
        beyond = None
        for index in range(request if dispatcher is None else dispatcher + 1, len(frames)):
            frame = frames[index]
            if frame.origin == "app":
                child = frames[index + 1] if index + 1 < len(frames) else None
                if not self._wraps(frame, child) and not (dispatcher is None and self._dispatches(frame, child)):
                    return index
            elif loose:
                return None
            elif beyond is None and frame.origin == "library" and not self._is_plumbing(frame):
                beyond = index
        return beyond if dispatcher is not None else None

    def _is_plumbing(self, frame: Frame) -> bool:
        known = self._files.get(frame.file)
        return self._role(frame) != "" or (known is not None and frameworks.is_plumbing(known.distribution))

    def _wraps(self, frame: Frame, child: Frame | None) -> bool:
        """A decorator's wrapper hands all its arguments to the project function that it wraps."""
        if child is None or child.origin != "app":
            return False
        text = self._lines.text(frame.file, frame.line) or ""
        return "*args" in text and "**kw" in text

    def _dispatches(self, frame: Frame, child: Frame | None) -> bool:
        """A project's own entry without a framework (`__call__(environ, start_response)`) leads to its handlers."""
        return child is not None and child.origin == "app" and frameworks.is_entry(frame)

    def _leaf(self, frames: Stack) -> LeafState:
        if not frames:
            return "idle"
        frame = frames[-1]
        if frameworks.waits_for_work(frame):
            return "idle" if module_path(frame.file) != "threading.py" else "lock"
        if frameworks.waits_for_io(frame):
            return "io"
        wait = self._lines.wait(frame.file, frame.line) or "running"
        return "running" if wait == "io" and (frame.file, frame.line) in self._asking else wait


def _role_of(frame: Frame) -> str:
    if frame.file == PROBE:
        return "route" if frame.function.startswith(ROUTE) else frame.function.partition(":")[0]
    if frame.origin == "app":
        return ""
    if frame.function == "_find_spec" and frame.file == "<frozen importlib._bootstrap>":
        return "search"
    if frameworks.listed(frameworks.SERVERS, frame):
        return "server"
    if frameworks.listed(frameworks.DISPATCHERS, frame):
        return "dispatcher"
    if frameworks.listed(frameworks.POOLS, frame):
        return "pool"
    if frameworks.listed(frameworks.EVENT_LOOPS, frame):
        return "loop"
    return "client" if module_path(frame.file) in frameworks.TEST_CLIENTS else ""
