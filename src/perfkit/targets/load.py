"""perfkit's own load: a Load comes in; requests are sent to its URLs, and what each took goes out."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.recording import Request
from perfkit.model.target import Load
from perfkit.targets import address
from perfkit.targets.address import Address
from perfkit.targets.mix import InTurn, Mix

TIMEOUT = 30.0
# So that a server which is down gets 20 attempts a second from each client, not thousands.
_BACK_OFF = 0.05
_CHUNK = 65536
_JOIN = 1.0
_FAILURES = (OSError, HTTPException, ValueError)


class LoadGenerator:
    """`concurrency` threads over one queue of turns, in which each URL gets an equal share."""

    def __init__(self, load: Load, mix: Callable[[int], Mix] = InTurn) -> None:
        """`mix` is made for a number of URLs. Raises PerfkitError (usage) for a bad URL and for numbers below 1."""
        if not load.urls:
            raise PerfkitError("there is no URL to send requests to.", "--load http://localhost:8000/", USAGE)
        if load.concurrency < 1 or (load.requests is not None and load.requests < 1):
            raise PerfkitError("a load has at least 1 client and 1 request.", "give numbers from 1 up", USAGE)
        self._addresses = [address.parse(url) for url in load.urls]
        self._mix = mix(len(self._addresses))
        self._total = load.requests
        self._taken = 0
        self._turns = threading.Lock()
        self._stopping = threading.Event()
        self._done: deque[Request] = deque()
        self._clients = [_Thread(self) for _ in range(load.concurrency)]

    def start(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the run began."""
        for client in self._clients:
            client.start(clock)

    def drain(self) -> list[Request]:
        """The requests that ended since the last call; status 0 means no answer, or none within 30 seconds."""
        return [self._done.popleft() for _ in range(len(self._done))]

    @property
    def finished(self) -> bool:
        """Whether all `requests` were sent and answered."""
        all_taken = self._total is not None and self._taken >= self._total
        return all_taken and not any(client.running for client in self._clients)

    def stop(self) -> None:
        """Ends the clients within a second. Requests under way are dropped: their time is not known."""
        self._stopping.set()
        for client in self._clients:
            client.hang_up()
        deadline = time.monotonic() + _JOIN
        for client in self._clients:
            client.join(deadline - time.monotonic())

    def turn(self) -> Address | None:
        """The next URL; None when all were sent or the load was stopped."""
        with self._turns:
            if self.stopping or self._taken == self._total:
                return None
            self._taken += 1
            return self._addresses[self._mix.next(time.monotonic())]

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def record(self, request: Request) -> None:
        if not self.stopping:
            self._done.append(request)

    def back_off(self) -> None:
        self._stopping.wait(_BACK_OFF)


class Client:
    """One connection to each server, kept open for as long as the server keeps it."""

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        self._stopping = stopping
        self._connections: dict[tuple[str, str, int], HTTPConnection] = {}

    def ask(self, where: Address) -> int:
        """Status of the whole answer, read to its end; 0 without one."""
        key = (where.scheme, where.host, where.port)
        connection = self._connections.get(key)
        reused = connection is not None and connection.sock is not None
        if connection is None:
            connection = self._connections[key] = where.connect(TIMEOUT)
        for attempt in (1, 2):
            try:
                return _ask(connection, where)
            except _FAILURES as error:
                connection.close()
                # A server may close a connection it kept open just as the next request is on its way (RFC 9112, 9.3.1).
                again = reused and attempt == 1 and isinstance(error, ConnectionError)
                if not again or self._stopping():
                    return 0
        return 0

    def hang_up(self) -> None:
        """Wakes the thread that asks out of a read."""
        for connection in list(self._connections.values()):
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


class _Thread:
    """A client that asks as often as its generator gives it a turn."""

    def __init__(self, generator: LoadGenerator) -> None:
        self._generator = generator
        self._client = Client(lambda: generator.stopping)
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, clock: Callable[[], float]) -> None:
        self._thread = threading.Thread(target=self._run, args=(clock,), name="perfkit-load", daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def hang_up(self) -> None:
        self._client.hang_up()

    def _run(self, clock: Callable[[], float]) -> None:
        while (where := self._generator.turn()) is not None:
            start = clock()
            status = self._client.ask(where)
            self._generator.record(Request(where.endpoint, start, clock() - start, status))
            if not status:
                self._generator.back_off()
        self._client.close()


def _ask(connection: HTTPConnection, where: Address) -> int:
    deadline = time.monotonic() + TIMEOUT
    connection.request("GET", where.target, headers=dict(where.headers))
    _acknowledge_at_once(connection)
    response = connection.getresponse()
    _read(response, deadline)
    return response.status


def _acknowledge_at_once(connection: HTTPConnection) -> None:
    """A server that sends head and body apart waits for our acknowledgement between them, which Linux delays by 40 ms.

    That would measure the two kernels instead of the server. The option holds until the next answer (tcp(7)).
    """
    if connection.sock is not None and hasattr(socket, "TCP_QUICKACK"):
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _read(response: HTTPResponse, deadline: float) -> None:
    """To the end of the body, which an event stream does not have: hence the deadline."""
    while response.read1(_CHUNK):
        if time.monotonic() > deadline:
            raise TimeoutError
    if response.length:
        raise IncompleteRead(b"", response.length)
    # Python 3.11's read1 leaves an answer that was read to its end open, and the connection then refuses the next request.
    response.close()
