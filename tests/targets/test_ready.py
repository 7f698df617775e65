"""Waiting for real sockets and servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.target import Load
from perfkit.targets.ready import Ready

Eventually = Callable[[Callable[[], bool]], bool]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("form", ["{}", ":{}", "localhost:{}", "127.0.0.1:{}"])
def test_a_port_is_ready_when_it_accepts(form: str, eventually: Eventually) -> None:
    port = free_port()
    ready = Ready(form.format(port), None)
    assert not ready.poll()
    with socket.create_server(("127.0.0.1", port)):
        assert eventually(ready.poll)
    assert ready.poll()


@pytest.mark.parametrize("path", ["/", "/500"])
def test_a_url_is_ready_when_it_gives_any_answer(
    path: str, server: ThreadingHTTPServer, eventually: Eventually
) -> None:
    assert eventually(Ready(f"http://127.0.0.1:{server.server_address[1]}{path}", None).poll)


def test_a_server_that_accepts_without_answering_is_not_ready(eventually: Eventually) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready = Ready(f"http://127.0.0.1:{listener.getsockname()[1]}/", None)
        assert not ready.poll()
        # Closed without an answer three times: it asked, and still does.
        for _ in range(3):
            listener.accept()[0].close()
        assert not ready.poll()
        with listener.accept()[0] as connection:
            connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")
            assert eventually(ready.poll)


def test_without_a_spec_the_load_says_where(server: ThreadingHTTPServer, eventually: Eventually) -> None:
    url = f"http://127.0.0.1:{server.server_address[1]}/first"
    ready = Ready(None, Load((url, "http://127.0.0.1:1/"), None, 1))
    assert ready.what == url
    assert eventually(ready.poll)
    assert server.asked == ["/first"]  # type: ignore[attr-defined]


def test_with_nothing_to_wait_for_it_is_ready() -> None:
    assert Ready(None, None).poll()


def test_nothing_is_asked_before_the_first_poll(eventually: Eventually) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        ready = Ready(str(listener.getsockname()[1]), None)
        with pytest.raises(BlockingIOError):
            listener.accept()
        ready.poll()
        assert eventually(ready.poll)
        listener.accept()[0].close()


def test_it_can_be_given_up(eventually: Eventually) -> None:
    ready = Ready(str(free_port()), None)
    ready.poll()
    ready.stop()
    assert eventually(lambda: "perfkit-ready" not in {thread.name for thread in threading.enumerate()})


@pytest.mark.parametrize("spec", ["0", "65536", "eighty", "localhost", "ftp://h/", "http://", "8000/x"])
def test_a_bad_spec_is_refused(spec: str) -> None:
    with pytest.raises(PerfkitError) as caught:
        Ready(spec, None)
    assert caught.value.exit_code == 2
