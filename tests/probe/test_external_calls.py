"""Requests that the target sends: one span each, whatever sends them, with the host and nothing else of the address."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from request_script import write

from environments import OLDER, Environment
from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit_command import interpreter
from probe_spool import Spooled, run_with_probe

SECRETS = ("hunter2", "token", "user", "/item")
STDLIB = """
    import http.client, json, sys, urllib.error, urllib.request
    url, port = sys.argv[1], int(sys.argv[1].rpartition(":")[2])

    def view():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for n in range(3):
            connection.request("GET", "/item?token=%d" % n)
            answer = connection.getresponse()
            print(answer.status, answer.read())
        connection.putrequest(method="POST", url="/item")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(iter([b"a", b"b"]), encode_chunked=True)
        print(connection.getresponse().read())
        connection.close()

    def other():
        print(urllib.request.urlopen(url + "/redirect").read())
        try:
            urllib.request.urlopen(url + "/missing")
        except urllib.error.HTTPError as error:
            print(error.code)
        try:
            urllib.request.urlopen("http://user:hunter2@[::1]:9/item")
        except Exception as error:
            print(type(error).__name__)
        try:
            http.client.HTTPConnection("127.0.0.1", 9).request("GET", "/")
        except OSError as error:
            print(type(error).__name__)
        connection = http.client.HTTPConnection("localhost", port)
        connection.request("GET", "http://Away.example:80/item?token=1")  # as through a proxy
        connection.close()
        try:
            connection.putrequest("GET", "/with a space")
        except http.client.InvalidURL as error:
            print(type(error).__name__)

    serve(view)
    serve(other)
    print("_perfkit" in str(vars(http.client.HTTPConnection("localhost"))))
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path.partition("?")[0])  # type: ignore[attr-defined]
        status = {"/redirect": 302, "/missing": 404}.get(self.path, 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/item")
        self.send_header("Content-Length", "2")
        self.end_headers()
        with suppress(OSError):  # not everybody waits for the answer
            self.wfile.write(b"ok")

    def do_POST(self) -> None:
        while self.rfile.readline().strip() != b"0":
            self.rfile.readline()
        self.rfile.readline()
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _run(
    tmp_path: Path, body: str, service: ThreadingHTTPServer, python: str | Path = sys.executable
) -> tuple[list[str], Spooled]:
    """What it printed, which is the same without the probe; and what the probe left."""
    script = write(tmp_path / "app", body)
    url = f"http://127.0.0.1:{service.server_port}"
    ended, (spooled,) = run_with_probe(script, tmp_path / "spool", python, url)
    assert ended.returncode == 0, ended.stderr
    assert not spooled.gaps
    served = [*service.asked]  # type: ignore[attr-defined]
    service.asked.clear()  # type: ignore[attr-defined]
    bare = subprocess.run(
        [python, str(script), url],
        env={**os.environ, "PYTHONPATH": PROBE_FOLDER},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (bare.stdout, bare.stderr) == (ended.stdout, ended.stderr)
    assert service.asked == served  # type: ignore[attr-defined]
    service.asked[:] = served  # type: ignore[attr-defined]
    assert not [name for name in spooled.names.values() for secret in SECRETS if secret in name]
    return ended.stdout.splitlines(), spooled


def _hosts(spooled: Spooled, request: int = 0) -> Counter[str]:
    number = spooled.requests[request].number
    return Counter(spooled.name(span) for span in spooled.of("http") if span.request == number)


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.12", "3.13", "3.14"])
def test_http_client(version: str, tmp_path: Path, service: ThreadingHTTPServer) -> None:
    out, spooled = _run(tmp_path, STDLIB, service, interpreter(version))
    assert out[-1] == "False"
    assert _hosts(spooled) == {"127.0.0.1": 4}
    # A redirect is two requests; what cannot be sent is one; a line that is not sent is none.
    assert _hosts(spooled, 1) == {"127.0.0.1": 4, "::1": 1, "away.example": 1}
    for span in spooled.of("http"):
        assert {"view", "other"} & {function for function, *_ in spooled.site(span)}
        assert span.seconds > 0


CLIENTS = {
    "requests": """
        import requests, sys
        def view():
            with requests.Session() as session:
                for n in range(3):
                    print(session.get(sys.argv[1] + "/item", params={"token": n}, auth=("user", "hunter2")).text)
                print(session.get(sys.argv[1] + "/redirect").text)
                with session.get(sys.argv[1] + "/item", stream=True) as answer:
                    print(list(answer.iter_content(1)))
                print(session.post(sys.argv[1] + "/item", data=iter([b"a", b"b"])).text)
            try:
                requests.get("http://127.0.0.1:9/item")
            except requests.ConnectionError as error:
                print(type(error).__name__)
        serve(view)
    """,
    "httpx": """
        import httpx, sys
        def view():
            with httpx.Client(follow_redirects=True) as client:
                for n in range(3):
                    print(client.get(sys.argv[1] + "/item", params={"token": n}, auth=("user", "hunter2")).text)
                print(client.get(sys.argv[1] + "/redirect").text)
                with client.stream("GET", sys.argv[1] + "/item") as answer:
                    print(list(answer.iter_bytes(1)))
                print(client.post(sys.argv[1] + "/item", content=iter([b"a", b"b"])).text)
                try:
                    client.get("http://127.0.0.1:9/item")
                except httpx.ConnectError as error:
                    print(type(error).__name__)
        serve(view)
    """,
    "httpx, asynchronous": """
        import asyncio, httpx, sys
        async def body():
            yield b"a"
            yield b"b"
        async def asks():
            async with httpx.AsyncClient(follow_redirects=True) as client:
                for n in range(3):
                    answer = await client.get(sys.argv[1] + "/item", params={"token": n}, auth=("user", "hunter2"))
                    print(answer.text)
                print((await client.get(sys.argv[1] + "/redirect")).text)
                async with client.stream("GET", sys.argv[1] + "/item") as answer:
                    print([part async for part in answer.aiter_bytes(1)])
                print((await client.post(sys.argv[1] + "/item", content=body())).text)
                try:
                    await client.get("http://127.0.0.1:9/item")
                except httpx.ConnectError as error:
                    print(type(error).__name__)
        def view():
            asyncio.run(asks())
        serve(view)
    """,
    "aiohttp": """
        import aiohttp, asyncio, sys
        async def body():
            yield b"a"
            yield b"b"
        async def asks():
            async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "hunter2")) as session:
                async def one(path, **more):
                    async with session.get(sys.argv[1] + path, **more) as answer:
                        return await answer.text()
                print(await asyncio.gather(*[one("/item", params={"token": str(n)}) for n in range(3)]))
                print(await one("/redirect"))
                async with session.get(sys.argv[1] + "/item") as answer:
                    print(await answer.content.read(1))
                async with session.post(sys.argv[1] + "/item", data=body()) as answer:
                    print(await answer.text())
                try:
                    await session.get("http://127.0.0.1:9/item")
                except aiohttp.ClientConnectorError as error:
                    print(type(error).__name__)
        def view():
            asyncio.run(asks())
        serve(view)
    """,
}
# Three, a redirect with what it leads to, one that streams its answer, one that streams its question, one that nobody hears.
SENT = 8


@pytest.mark.parametrize("client", CLIENTS)
def test_clients(client: str, tmp_path: Path, service: ThreadingHTTPServer) -> None:
    _, spooled = _run(tmp_path, CLIENTS[client], service)
    assert len(service.asked) == SENT - 1  # type: ignore[attr-defined]
    assert _hosts(spooled) == {"127.0.0.1": SENT}
    if "async" not in CLIENTS[client]:
        assert all("view" in [function for function, *_ in spooled.site(span)] for span in spooled.of("http"))


def test_an_older_aiohttp(
    tmp_path: Path, service: ThreadingHTTPServer, environment: Callable[[Environment], str]
) -> None:
    _, spooled = _run(tmp_path, CLIENTS["aiohttp"], service, environment(OLDER))
    assert _hosts(spooled) == {"127.0.0.1": SENT}


def test_who_calls_off_waits_no_longer(tmp_path: Path, service: ThreadingHTTPServer) -> None:
    """Timeouts and cancellations go through as they are, and the request has been sent."""
    body = """
        import asyncio, socket, sys
        import aiohttp, httpx
        deaf = socket.create_server(("127.0.0.1", 0))
        url = "http://localhost:%d/item" % deaf.getsockname()[1]
        async def asks():
            async with httpx.AsyncClient(timeout=0.2) as client:
                try:
                    await client.get(url)
                except httpx.ReadTimeout as error:
                    print(type(error).__name__)
            async with aiohttp.ClientSession() as session:
                task = asyncio.ensure_future(session.get(url))
                await asyncio.sleep(0.2)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError as error:
                    print(type(error).__name__)
        def view():
            asyncio.run(asks())
        serve(view)
    """
    out, spooled = _run(tmp_path, body, service)
    assert out == ["ReadTimeout", "CancelledError"]
    assert _hosts(spooled) == {"localhost": 2}
