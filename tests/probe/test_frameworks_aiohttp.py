"""aiohttp 3.8 to 3.14: which requests the probe sees, and what a sampler sees of their routes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from framework_servers import APPS, Ask, route_of, serving

from environments import NEW, OLDER

ASKS = (
    Ask("/items/3", "/items/{number}"),
    Ask("/items/5", "/items/{number}", method="HEAD"),
    Ask("/view", "/view"),
    Ask("/refused", "/refused", 403),
    Ask("/stream", "/stream"),
    Ask("/boom", "/boom", 500),
)
# aiohttp 3.8 answers these with 500 where yarl is newer than itself.
MORE = (Ask("/nothing", "(no route)", 404), Ask("/sub/items/4", "/sub/items/{number}"))
COMMAND = (str(APPS / "aiohttp_site.py"), "{port}")


def test_every_request_is_seen_once_with_its_route(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool") as server:
        server.check((*ASKS, *MORE))
        cpu = [request.cpu for one in server.spooled() for request in one.requests]
    assert all(used is not None and used > 0 for used in cpu)


def test_the_oldest_version(environment: Callable[..., Path], tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool", environment(OLDER)) as server:
        server.check(ASKS)


def test_the_newest_version_on_a_newer_python(environment: Callable[..., Path], tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool", environment(NEW)) as server:
        server.check((*ASKS, *MORE))


def test_middlewares_and_requests_are_given_the_handler_itself(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool") as server:
        assert server.ask("/items/7") == (200, b"item 7"), server.said()
        assert server.ask("/items/9") == (200, b"item"), "what a middleware is given has the handler's name"


def test_a_sampler_sees_the_route_from_the_first_step_on(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool") as server, server.begin("/spin"):
        lines = server.stack("spin")
        server.kill()
    assert route_of(lines) == "GET /spin"
    assert any(line.startswith("request (<perfkit>") for line in lines)


def test_many_at_once(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool") as server:
        server.check_many([f"/items/{'1' * size}" for size in range(1, 65)], 64, 3)


def test_connections_that_are_kept_begin_a_new_request_each_time(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool") as server:
        server.ask_kept([("GET", "/items/1", b""), ("GET", "/view", b""), ("GET", "/items/22", b"")])
        assert server.seen(3) == {
            ("GET /items/{number}", 200, 6): 1,
            ("GET /items/{number}", 200, 7): 1,
            ("GET /view", 200, 3): 1,
        }


def test_websockets_are_not_requests(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path / "spool") as server:
        assert server.echo("/echo", b"hello") == b"hello"
        server.check(ASKS[:1])
