"""Real processes and servers to find, drive and stop; each says that it is up before a test goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import perfkit
from perfkit.shared import processes

Start = Callable[..., subprocess.Popen[str]]
Eventually = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def eventually() -> Eventually:
    """Asks until it holds, for 10 seconds at most."""
    waiting = threading.Event()
    return lambda condition: any(condition() or waiting.wait(0.02) for _ in range(500))


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a command whose first line of output says that it is up; the line is `said`."""
    started: list[subprocess.Popen[str]] = []

    def begin(*argv: str, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **options)
        started.append(process)
        assert process.stdout
        process.said = process.stdout.readline().strip()  # type: ignore[attr-defined]
        return process

    yield begin
    for process in started:
        for pid in [process.pid, *processes.descendants(process.pid)]:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    """A script that says `up` and waits; its name is found nowhere else on the machine."""
    script = tmp_path / f"sleeper{os.getpid()}.py"
    script.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    return script


class Server(ThreadingHTTPServer):
    """Counts connections; `/500` answers 500, `/close` closes afterwards, `/cut` closes before, `/quit` silently later."""

    daemon_threads = True
    connections = 0
    asked: list[str]
    headers: list[dict[str, str]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers.append(dict(self.headers))
        if self.path == "/cut":
            self.close_connection = True
            return
        if self.path == "/hang":
            threading.Event().wait(60)
        body = b"x" * 100_000
        self.send_response(500 if self.path == "/500" else 200)
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/close":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[:10] if self.path == "/short" else body)
        # Unannounced: the client believes that the connection is still open.
        self.close_connection = self.path in ("/close", "/quit", "/short")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Handler) as running:
        running.asked, running.headers = [], []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def as_nobody() -> Iterator[Callable[[str], str]]:
    """Runs Python code that imports perfkit as the user nobody; what it prints."""
    interpreter = "/usr/bin/python3"
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    if not Path(interpreter).exists() or subprocess.run([interpreter, "-c", version]).returncode:
        pytest.skip(f"{interpreter}, which every user may execute, is not Python 3.11 or later")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(Path(perfkit.__file__).parent, Path(folder, "perfkit"), ignore=shutil.ignore_patterns("*.pyc"))
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)

        def run(code: str) -> str:
            done = subprocess.run(
                [interpreter, "-c", code],
                user="nobody",
                group="nogroup" if sys.platform.startswith("linux") else "nobody",
                extra_groups=[],
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield run
