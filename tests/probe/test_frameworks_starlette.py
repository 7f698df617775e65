"""Starlette 0.16 to 1.10 and FastAPI 0.70 to 0.165: which requests the probe sees, and what a sampler sees of their routes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from framework_servers import Ask, route_of, serving

from environments import LTS, NEW, OLD, OLDER, Environment
from probe_spool import run_with_probe

STARLETTE = (
    Ask("/items/3", "/items/{number:int}"),
    Ask("/items/4", "/items/{number:int}", method="POST"),
    Ask("/items/5", "/items/{number:int}", method="HEAD"),
    Ask("/sync", "/sync"),
    Ask("/stream", "/stream"),
    Ask("/sync-stream", "/sync-stream"),
    Ask("/view", "/view"),
    Ask("/view", "/view", 201, "POST"),
    Ask("/v1/me/items/4", "/v1/{tenant}/items/{number}"),
    Ask("/v1/me/deep/sync", "/v1/{tenant}/deep/sync"),
    Ask("/v1/me/nothing", "(no route)", 404),
    Ask("/plain/x", "/plain/{path}"),
    Ask("/nothing", "(no route)", 404),
)
BOOM = Ask("/boom", "/boom", 500)
FASTAPI = (
    Ask("/items/3", "/items/{number}"),
    Ask("/items/x", "/items/{number}", 422),
    Ask("/sync/3", "/sync/{number}"),
    Ask("/items", "/items", 201, "POST"),
    Ask("/api/outer/inner/things/abc", "/api/outer/inner/things/{name}"),
    Ask("/api/nothing", "(no route)", 404),
    Ask("/refused", "/refused", 403),
    Ask("/sub/items/4", "/sub/items/{number}"),
    Ask("/later", "/later"),
    Ask("/stream", "/stream"),
    BOOM,
)
UVICORN = ("-m", "uvicorn", "--port", "{port}")
SERVERS = {
    "asyncio-h11": (*UVICORN, "--loop", "asyncio", "--http", "h11"),
    "uvloop": (*UVICORN, "--loop", "uvloop"),
    "hypercorn": ("-m", "hypercorn", "-b", "127.0.0.1:{port}"),
}
VERSIONS = pytest.mark.parametrize("wanted", [OLDER, OLD, LTS, NEW], ids=["0.16", "0.27", "0.46", "1.10"])


@pytest.mark.parametrize("server", SERVERS)
def test_every_request_is_seen_once_with_its_route(server: str, tmp_path: Path) -> None:
    with serving((*SERVERS[server], "starlette_site:app"), tmp_path / "spool") as running:
        running.check((*STARLETTE, BOOM))


def test_below_a_middleware_that_runs_it_in_another_task(tmp_path: Path) -> None:
    with serving((*UVICORN, "starlette_site:passed"), tmp_path / "spool") as running:
        running.check((*STARLETTE, BOOM))
        cpu = [request.cpu for one in running.spooled() for request in one.requests]
    assert all(used is not None and used > 0 for used in cpu)


def test_fastapi(tmp_path: Path) -> None:
    with serving((*UVICORN, "fastapi_site:app"), tmp_path / "spool") as running:
        running.check(FASTAPI)


@VERSIONS
def test_old_and_new_versions_of_starlette(
    wanted: Environment, environment: Callable[..., Path], tmp_path: Path
) -> None:
    with serving((*UVICORN, "starlette_site:passed"), tmp_path / "spool", environment(wanted)) as running:
        running.check([*STARLETTE, BOOM] if wanted is not OLDER else STARLETTE)


@VERSIONS
def test_old_and_new_versions_of_fastapi(wanted: Environment, environment: Callable[..., Path], tmp_path: Path) -> None:
    with serving((*UVICORN, "fastapi_site:app"), tmp_path / "spool", environment(wanted)) as running:
        running.check(FASTAPI)


def test_what_runs_in_the_background_is_no_part_of_the_request(tmp_path: Path) -> None:
    with serving((*UVICORN, "starlette_site:app"), tmp_path / "spool") as running:
        running.check([Ask("/background", "/background")])
        (request,) = [
            request
            for one in running.spooled()
            for request in one.requests
            if one.endpoint(request) == "GET /background"
        ]
    assert request.seconds < 0.3


@pytest.mark.parametrize("path", ["/spin", "/spin-sync", "/spin-stream"])
@pytest.mark.parametrize("app", ["app", "passed"])
def test_a_sampler_sees_the_route_in_starlette(app: str, path: str, tmp_path: Path) -> None:
    with serving((*UVICORN, f"starlette_site:{app}"), tmp_path / "spool") as running, running.begin(path):
        lines = running.stack("spin")
        running.kill()
    assert route_of(lines) == f"GET {path}"


@pytest.mark.parametrize("path", ["/spin-sync", "/spin-dependency"])
def test_a_sampler_sees_the_route_in_fastapis_threads(path: str, tmp_path: Path) -> None:
    with serving((*UVICORN, "fastapi_site:app"), tmp_path / "spool") as running, running.begin(path):
        lines = running.stack("spin")
        running.kill()
    assert route_of(lines) == f"GET {path}"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_many_at_once_in_two_workers(loop: str, tmp_path: Path) -> None:
    command = (*UVICORN, "--loop", loop, "--workers", "2", "fastapi_site:app")
    with serving(command, tmp_path / "spool") as running:
        running.check_many([f"/api/outer/inner/things/{'x' * size}" for size in range(1, 65)], 64, 3)


@pytest.mark.parametrize("server", SERVERS)
def test_a_client_that_leaves_ends_its_request(server: str, tmp_path: Path) -> None:
    with serving((*SERVERS[server], "starlette_site:app"), tmp_path / "spool") as running:
        with running.begin("/endless") as connection:
            connection.recv(100_000)
        ((endpoint, status, size),) = running.seen(1)
    assert (endpoint, status) == ("GET /endless", 200)
    assert size is not None
    assert size >= 65536


def test_websockets_are_not_requests(tmp_path: Path) -> None:
    with serving((*UVICORN, "--ws", "wsproto", "starlette_site:app"), tmp_path / "spool") as running:
        assert running.echo("/echo", b"hello") == b"hello"
        running.check(STARLETTE[:1])


def test_connections_that_are_kept_begin_a_new_request_each_time(tmp_path: Path) -> None:
    """A large body makes the server stop and go on reading, and from then on it reads in the context of that request."""
    with serving((*UVICORN, "--loop", "asyncio", "starlette_site:app"), tmp_path / "spool") as running:
        running.ask_kept([("POST", "/items/1", b"x" * 1_000_000), ("GET", "/sync", b""), ("GET", "/items/2", b"")])
        assert running.seen(3) == {
            ("POST /items/{number:int}", 200, 6): 1,
            ("GET /sync", 200, 4): 1,
            ("GET /items/{number:int}", 200, 6): 1,
        }


def test_the_test_client_gives_the_same(tmp_path: Path) -> None:
    script = tmp_path / "project" / "asks.py"
    script.parent.mkdir()
    script.write_text(
        f"import sys; sys.path.append({str(Path(__file__).parent / 'apps')!r})\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "from starlette.testclient import TestClient\n"
        "from starlette_site import app, passed\n"
        "for one in (app, passed):\n"
        "    with TestClient(one) as client:\n"
        "        print(client.get('/items/3').text, client.get('/stream').text.count('part'))\n"
        "        try: client.get('/boom')\n"
        "        except ValueError as error: print(repr(error))\n"
    )
    ended, spooled = run_with_probe(script, tmp_path / "spool", sys.executable)
    assert (ended.stderr, ended.stdout) == ("", "item 3 5\nValueError('boom')\n" * 2)
    seen = [(one.endpoint(request), request.status, request.size) for one in spooled for request in one.requests]
    assert seen == [("GET /items/{number:int}", 200, 6), ("GET /stream", 200, 35), ("GET /boom", 500, 21)] * 2
