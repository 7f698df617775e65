"""Explain room: a connection and a limit come in; a server that says nothing for longer is hung up on.

The server's own limits do not help where the network between stands still: nothing ends the waiting but the socket's end here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Final

# Beyond what a statement may take on the server: its own word about that has to arrive first.
GRACE: Final = 5.0


class Watchdog:
    """`seconds` is how long one answer may take. `fileno` is of the connection's socket, which the driver keeps as its own."""

    def __init__(self, fileno: int, seconds: float) -> None:
        self.seconds = seconds
        self.has_cut = False
        self._socket = socket.fromfd(
            fileno, socket.AF_INET, socket.SOCK_STREAM
        )  # a number of its own, which nobody reuses

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around each wait for the server."""
        timer = Timer(self.seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @property
    def said(self) -> str:
        return f"it gave no answer for {self.seconds:g} seconds"

    def close(self) -> None:
        self._socket.close()

    def _cut(self) -> None:
        self.has_cut = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
