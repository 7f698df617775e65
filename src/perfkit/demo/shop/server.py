"""Serves the shop over HTTP on the loopback interface: one process listens, and each of its workers answers a request at a time."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from .database import Database
from .routes import Shop
from .seed import fill


class QuietHandler(WSGIRequestHandler):
    """Without an access log."""

    def log_message(self, format: str, *args: Any) -> None:
        return


class Server(WSGIServer):
    """Without a look-up of its own name."""

    request_queue_size = 64

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()[:2]
        self.setup_environ()


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop", description="A small online shop.")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        path = Path(folder, "shop.sqlite3")
        fill(Database(path))
        with Server(("127.0.0.1", arguments.port), QuietHandler) as server:
            sys.stderr.write(f"shop  http://127.0.0.1:{server.server_port}/\n")
            _watch([_worker(lambda: _serve(server, path)) for _ in range(arguments.workers)])


def _serve(server: Server, path: Path) -> None:
    server.set_app(Shop(Database(path)))
    server.serve_forever()


def _worker(serve: Callable[[], None]) -> int:
    """The process id of a new worker."""
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serve()
    os._exit(0)


def _watch(workers: list[int]) -> NoReturn:
    """Until a signal comes or a worker has ended; none is left behind."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(0))
    try:
        os.wait()
        sys.exit("shop: a worker has ended")
    finally:
        for pid in workers:
            try:
                os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue
