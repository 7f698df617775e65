"""The load against a real server: shares, counts, keep-alive, failures and the end."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.recording import Request
from perfkit.model.target import Load
from perfkit.targets import load as load_module
from perfkit.targets.address import parse
from perfkit.targets.load import LoadGenerator

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer as Base

    class Server(Base):
        connections: int
        asked: list[str]
        headers: list[dict[str, str]]


Eventually = Callable[[Callable[[], bool]], bool]


def url(server: Server, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


@pytest.fixture
def generate() -> Iterator[Callable[..., LoadGenerator]]:
    generators: list[LoadGenerator] = []

    def begin(*urls: str, requests: int | None, concurrency: int = 1) -> LoadGenerator:
        generators.append(LoadGenerator(Load(urls, requests, concurrency)))
        generators[-1].start(time.perf_counter)
        return generators[-1]

    yield begin
    for generator in generators:
        generator.stop()


def all_of(generator: LoadGenerator, eventually: Eventually) -> list[Request]:
    assert eventually(lambda: generator.finished)
    return generator.drain()


def test_each_url_gets_an_equal_share(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    urls = [url(server, path) for path in ("/a?q=1", "/b", "")]
    requests = all_of(generate(*urls, requests=31, concurrency=4), eventually)
    assert Counter(request.endpoint for request in requests) == {"GET /a": 11, "GET /b": 10, "GET /": 10}
    assert Counter(server.asked) == {"/a?q=1": 11, "/b": 10, "/": 10}
    assert {request.status for request in requests} == {200}
    assert {request.source for request in requests} == {"load"}


def test_a_client_keeps_its_connection(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    all_of(generate(url(server), requests=60, concurrency=3), eventually)
    assert server.connections <= 3


def test_a_server_that_closes_is_connected_to_again(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    for path in ("/close", "/quit"):
        server.connections = 0
        requests = all_of(generate(url(server, path), requests=5), eventually)
        assert [request.status for request in requests] == [200] * 5
        assert server.connections == 5


def test_an_error_of_the_server_is_an_answer(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    assert [r.status for r in all_of(generate(url(server, "/500"), requests=2), eventually)] == [500, 500]


@pytest.mark.parametrize("path", ["/cut", "/short"])
def test_no_whole_answer_is_status_0(
    path: str, server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    requests = all_of(generate(url(server, path), requests=3), eventually)
    assert [request.status for request in requests] == [0] * 3
    assert len(server.asked) == 3


def test_a_dead_server_is_not_hammered(generate: Callable[..., LoadGenerator], eventually: Eventually) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.perf_counter()
    requests = all_of(generate(f"http://127.0.0.1:{port}/", requests=4), eventually)
    assert [request.status for request in requests] == [0] * 4
    gaps = [later.start - earlier.start for earlier, later in pairwise(requests)]
    assert min(gaps) >= load_module._BACK_OFF
    assert requests[0].start >= began


def test_a_body_without_an_end_times_out(
    generate: Callable[..., LoadGenerator], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "TIMEOUT", 0.2)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                try:
                    while not ended.wait(0.02):
                        connection.sendall(b"data: x\n\n")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        (request,) = all_of(generate(f"http://127.0.0.1:{listener.getsockname()[1]}/", requests=1), eventually)
        ended.set()
        thread.join()
    assert request.status == 0
    assert request.seconds >= 0.2


def test_times_are_on_the_clock_that_was_given(server: Server, eventually: Eventually) -> None:
    ticks = count(100)
    generator = LoadGenerator(Load((url(server),), 3, 1))
    generator.start(lambda: float(next(ticks)))
    requests = all_of(generator, eventually)
    assert [(request.start, request.seconds) for request in requests] == [(100, 1), (102, 1), (104, 1)]


def test_it_goes_on_until_it_is_stopped(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    generator = generate(url(server), requests=None, concurrency=2)
    drained: list[Request] = []
    assert eventually(lambda: len(drained) > 50 or bool(drained.extend(generator.drain())))
    assert not generator.finished
    generator.stop()
    drained.extend(generator.drain())
    # Each request came out of drain() once; those that were cut off did not come out at all.
    assert 0 <= len(server.asked) - len(drained) <= 2
    assert {request.status for request in drained} == {200}


def test_stop_does_not_wait_for_an_answer(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    generator = generate(url(server), url(server, "/hang"), requests=None)
    assert eventually(lambda: "/hang" in server.asked)
    began = time.perf_counter()
    generator.stop()
    assert time.perf_counter() - began < 5
    assert not any(client.running for client in generator._clients)
    assert [request.status for request in generator.drain()] == [200]
    assert server.asked.count("/hang") == 1


def test_a_certificate_of_this_machine_is_taken_as_it_is(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually, tmp_path: Path
) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=other"
    try:
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not there to make a certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = url(server).replace("http:", "https:")
    assert [r.status for r in all_of(generate(address, requests=2), eventually)] == [200, 200]
    assert server.connections == 1


def test_a_certificate_of_another_machine_is_verified() -> None:
    context: Any = parse("https://example.com/").connect(1.0)._context  # type: ignore[attr-defined]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_user_in_the_url_signs_in_and_is_not_recorded(
    server: Server, generate: Callable[..., LoadGenerator], eventually: Eventually
) -> None:
    address = url(server, "/a").replace("http://", "http://me:p%40ss@")
    (request,) = all_of(generate(address, requests=1), eventually)
    assert server.headers[0]["Authorization"] == "Basic bWU6cEBzcw=="
    assert request.endpoint == "GET /a"


@pytest.mark.parametrize(
    ("text", "target", "endpoint"),
    [
        ("http://h/a b?q=ü&r=%20#x", "/a%20b?q=%C3%BC&r=%20", "GET /a%20b"),
        ("http://h?x=1", "/?x=1", "GET /"),
        ("HTTP://h:81/a//b/", "/a//b/", "GET /a//b/"),
        ("http://h/a\r\nX: 1", "/aX:%201", "GET /aX:%201"),
    ],
)
def test_what_is_asked_for_can_be_sent(text: str, target: str, endpoint: str) -> None:
    where = parse(text)
    assert (where.target, where.endpoint) == (target, endpoint)


def test_ports_come_from_the_scheme() -> None:
    assert [parse(text).port for text in ("http://h/", "https://h/", "http://[::1]:8000/")] == [80, 443, 8000]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("localhost:8000/x", "http://localhost:8000/x"),
        ("//localhost/x", "http://localhost/x"),
        ("/orders", "http://orders"),
        ("ftp://localhost/", "http://localhost:8000/"),
        ("http:///x", "http://localhost:8000/"),
        ("http://h:port/", "http://localhost:8000/"),
        ("http://[::1/", "http://localhost:8000/"),
        ("http://a..b/", "http://localhost:8000/"),
        ("", "http://localhost:8000/"),
    ],
)
def test_a_bad_url_is_refused_before_anything_is_sent(text: str, hint: str) -> None:
    with pytest.raises(PerfkitError) as caught:
        LoadGenerator(Load((text,), 1, 1))
    assert (caught.value.exit_code, caught.value.hint) == (2, hint)


@pytest.mark.parametrize("load", [Load((), 1, 1), Load(("http://h/",), 0, 1), Load(("http://h/",), None, 0)])
def test_numbers_below_1_are_refused(load: Load) -> None:
    with pytest.raises(PerfkitError) as caught:
        LoadGenerator(load)
    assert caught.value.exit_code == 2
