"""Runs one of the sites in `apps` in a real server with the probe in it, asks it, and reads which requests the probe saw."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from perfkit_command import kill_all
from probe_spool import Spooled, environment_for, read_spool

APPS = Path(__file__).parent / "apps"
LONGEST = 30.0
Seen = tuple[str, int, int | None]  # endpoint, status, bytes of the body
_NUDGES = ("GET /nudge", "GET (no route)", 204)


@dataclass(frozen=True)
class Ask:
    """A request to make, and the template that its endpoint must show. `sized`: the probe knows how long the body is."""

    path: str
    template: str
    status: int = 200
    method: str = "GET"
    sized: bool = True


class Server:
    """A server on a port of its own. `{port}` in its command is that port."""

    def __init__(
        self, command: Sequence[str], spool: Path, python: str | Path = sys.executable, **environment: str
    ) -> None:
        self.spool = spool
        self.port = _free_port()
        spool.mkdir(mode=0o700)
        inherited = {**environment_for(spool, APPS), **environment}
        inherited["PYTHONPATH"] = os.pathsep.join([inherited["PYTHONPATH"], str(APPS)])
        self.log = spool.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(python), *(word.replace("{port}", str(self.port)) for word in command)],
                env=inherited,
                cwd=spool,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._until_it_answers()

    def _until_it_answers(self) -> None:
        until = time.monotonic() + LONGEST
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, self.said()
                time.sleep(0.02)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask_kept(self, asks: Sequence[tuple[str, str, bytes]]) -> None:
        """Method, path and body of requests that follow each other on one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)
        for method, path, body in asks:
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()

    def echo(self, path: str, said: bytes) -> bytes:
        """What a websocket there answers to a short text."""
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        with (
            socket.create_connection(("127.0.0.1", self.port), LONGEST) as connection,
            connection.makefile("rb") as stream,
        ):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode())
            assert b" 101 " in stream.readline(), self.said()
            while stream.readline().strip():
                continue
            connection.sendall(bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said)  # a text, masked with zeros
            _, length = stream.read(2)
            return stream.read(length)

    def begin(self, path: str) -> socket.socket:
        """Ask and do not wait for the answer."""
        connection = socket.create_connection(("127.0.0.1", self.port), LONGEST)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection

    def spooled(self) -> list[Spooled]:
        return read_spool(self.spool)

    def seen(self, count: int) -> Counter[Seen]:
        """The requests that the probe saw but for nudges, when they are `count`. What a process keeps is written when the
        next request comes, so it gets some."""
        until = time.monotonic() + LONGEST
        while True:
            found = Counter(
                (one.endpoint(request), request.status, request.size)
                for one in self.spooled()
                for request in one.requests
                if not _is_nudge(one.endpoint(request), request.status)
            )
            if found.total() >= count:
                return found
            assert time.monotonic() < until, (found, self.said())
            self.ask("/nudge")

    def check(self, asks: Sequence[Ask]) -> None:
        """Each request is seen once, with the status and the size that the client got."""
        expected: Counter[Seen] = Counter()
        for ask in asks:
            status, body = self.ask(ask.path, ask.method)
            assert status == ask.status, (ask, self.said())
            expected[f"{ask.method} {ask.template}", status, len(body) if ask.sized else None] += 1
        seen = self.seen(len(asks))
        assert seen == expected, (seen - expected, expected - seen)
        assert [one.gaps for one in self.spooled() if one.gaps] == []

    def check_many(self, paths: Sequence[str], at_once: int, times: int) -> None:
        """So many clients at once ask each path so often; no request is missing and none is there twice."""
        with ThreadPoolExecutor(at_once) as clients:
            answers = list(clients.map(self.ask, list(paths) * times))
        assert all(status == 200 for status, _ in answers)
        seen = self.seen(len(answers))
        assert seen.total() == len(answers)
        assert set(seen.values()) == {times}

    def stack(self, function: str) -> list[str]:
        """The lines that py-spy shows of the thread that is in `function`, outermost last, in whichever process."""
        until = time.monotonic() + LONGEST
        while True:
            for pid in [self.process.pid, *_children(self.process.pid)]:
                dumped = subprocess.run(
                    [Path(sys.executable).with_name("py-spy"), "dump", "--pid", str(pid)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                for thread in dumped.stdout.split("Thread ")[1:]:
                    lines = [line.strip() for line in thread.splitlines()[1:]]
                    if any(re.match(rf"{function} \(", line) for line in lines):
                        return lines
            assert time.monotonic() < until, (dumped.stdout, dumped.stderr, self.said())

    def kill(self) -> None:
        kill_all(self.process.pid)
        self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.kill()


def _is_nudge(endpoint: str, status: int) -> bool:
    named, unnamed, unnamed_status = _NUDGES
    return endpoint == named or (endpoint == unnamed and status == unnamed_status)


def route_of(lines: Sequence[str]) -> str:
    """The innermost route on a stack."""
    return next((line.rpartition(" (")[0].removeprefix("route:") for line in lines if line.startswith("route:")), "")


def _children(pid: int) -> list[int]:
    from perfkit.shared import processes

    return list(processes.descendants(pid))


@contextmanager
def serving(
    command: Sequence[str], spool: Path, python: str | Path = sys.executable, **environment: str
) -> Iterator[Server]:
    server = Server(command, spool, python, **environment)
    try:
        yield server
    finally:
        server.end()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
