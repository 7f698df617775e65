"""Servers that answer while code is brought into them, and clients that ask them and keep what went wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from injected import LONGEST, until


class Load:
    """Clients that ask again and again, and keep what went wrong."""

    def __init__(self, url: str, clients: int) -> None:
        self._url, self._over = url, threading.Event()
        self.answers: list[bytes] = []
        self.failures: list[str] = []
        self._clients = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                with urllib.request.urlopen(self._url, timeout=LONGEST) as response:
                    self.answers.append(response.read())
            except OSError as error:
                self.failures.append(repr(error))

    def more(self) -> None:
        """Until each client was answered a few times more."""
        before = len(self.answers)
        until(lambda: bool(self.failures) or len(self.answers) >= before + 3 * len(self._clients))

    def __enter__(self) -> Load:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for client in self._clients:
            client.join()


@contextmanager
def serving(folder: Path, words: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server run as `python -m` in the folder, and its URL."""
    log = folder / "log"
    with log.open("wb") as out:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        server = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, stdout=out, stderr=out, env=kept)
    try:
        address = re.compile(r"http://127\.0\.0\.1:\d+")
        until(lambda: bool(address.search(log.read_text())))
        found = address.search(log.read_text())
        assert found
        yield server, found[0]
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        assert server.wait(LONGEST) in (0, -signal.SIGTERM), log.read_text()
        assert "Traceback" not in log.read_text()
