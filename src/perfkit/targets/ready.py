"""Waiting for a server to be up: a URL or a port comes in; whether it answers yet goes out, without blocking."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from http.client import HTTPException

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.target import Load
from perfkit.targets import address
from perfkit.targets.address import Address
from perfkit.targets.words import printable

_PORT = re.compile(r"^(?:(?P<host>[\w.-]+|\[[0-9a-f:]+\])?:)?(?P<port>\d{1,5})$", re.ASCII | re.IGNORECASE)
_EVERY = 0.1
# The first answer may have to wait for the application to import itself.
_TIMEOUT = 30.0


class Ready:
    """Ready when a URL gives any answer (500 as well: it is up) or a port accepts; at once with nothing to wait for.

    Without a spec the first URL of the load is asked. `what` names it, for messages.
    """

    def __init__(self, spec: str | None, load: Load | None) -> None:
        """Raises PerfkitError (usage) for what is neither."""
        self.what = spec or (load.urls[0] if load and load.urls else None)
        self._probe = _probe(self.what) if self.what else None
        self._answered = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def poll(self) -> bool:
        """The first call begins the probing, so that nothing is asked before the target was launched."""
        if self._probe is None:
            return True
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, args=(self._probe,), name="perfkit-ready", daemon=True)
            self._thread.start()
        return self._answered.is_set()

    def stop(self) -> None:
        self._stopping.set()

    def _ask(self, probe: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                probe()
            except (OSError, HTTPException, ValueError):
                self._stopping.wait(_EVERY)
            else:
                self._answered.set()
                return


def _probe(spec: str) -> Callable[[], None]:
    """A call that raises until the server is up."""
    if "://" in spec:
        where = address.parse(spec)
        return lambda: _get(where)
    found = _PORT.match(spec)
    port = int(found["port"]) if found else 0
    if not found or not 0 < port < 65536:
        raise PerfkitError(f"{printable(spec)} is neither a URL nor a port.", "--ready http://localhost:8000/", USAGE)
    host = (found["host"] or "localhost").strip("[]")
    return lambda: socket.create_connection((host, port), _TIMEOUT).close()


def _get(where: Address) -> None:
    connection = where.connect(_TIMEOUT)
    try:
        connection.request("GET", where.target, headers=dict(where.headers))
        connection.getresponse()
    finally:
        connection.close()
