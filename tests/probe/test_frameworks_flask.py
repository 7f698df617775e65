"""Flask 2.0 to 3.1 in real servers: which requests the probe sees, and what a sampler sees of their routes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from framework_servers import Ask, route_of, serving

from environments import NEW, OLDER, Environment
from probe_spool import run_with_probe

ASKS = (
    Ask("/items/3", "/items/<int:number>"),
    Ask("/items/4", "/items/<int:number>", method="POST"),
    Ask("/items/5", "/items/<int:number>", method="HEAD"),
    Ask("/api/things/abc", "/api/things/<name>"),
    Ask("/api/view", "/api/view"),
    Ask("/api/view", "/api/view", 202, "DELETE"),
    Ask("/nothing", "(no route)", 404),
    Ask("/away", "/away", 302),
    Ask("/stream", "/stream"),
    Ask("/file", "/file", sized=False),
    Ask("/boom", "/boom", 500),
)
GUNICORN = ("-m", "gunicorn", "-b", "127.0.0.1:{port}", "--no-control-socket")


@pytest.mark.parametrize(
    "options",
    [("-k", "sync"), ("-k", "gthread", "--threads", "8"), ("-k", "gevent")],
    ids=lambda options: options[1],
)
def test_every_request_is_seen_once_with_its_route(options: tuple[str, ...], tmp_path: Path) -> None:
    with serving((*GUNICORN, *options, "flask_site:app"), tmp_path / "spool") as server:
        server.check((*ASKS, Ask("/async/name", "/async/<name>")))


def test_in_flasks_own_server_with_the_debugger(tmp_path: Path) -> None:
    command = ("-m", "flask", "--app", "flask_site", "--debug", "run", "--no-reload", "-p", "{port}")
    with serving(command, tmp_path / "spool") as server:
        server.check([*(ask for ask in ASKS if ask.path not in ("/boom", "/file")), Ask("/file", "/file")])


@pytest.mark.parametrize("wanted", [OLDER, NEW], ids=["2.0", "3.1"])
def test_old_and_new_versions(wanted: Environment, environment: Callable[..., Path], tmp_path: Path) -> None:
    command = ("-m", "gunicorn", "-b", "127.0.0.1:{port}", "flask_site:app")
    with serving(command, tmp_path / "spool", environment(wanted)) as server:
        server.check(ASKS)


def test_many_at_once(tmp_path: Path) -> None:
    command = (*GUNICORN, "-w", "2", "-k", "gthread", "--threads", "16", "flask_site:app")
    with serving(command, tmp_path / "spool") as server:
        server.check_many([f"/api/things/{'x' * size}" for size in range(1, 65)], 64, 5)


@pytest.mark.parametrize("path", ["/spin", "/spinning-stream"])
def test_a_sampler_sees_the_route(path: str, tmp_path: Path) -> None:
    with serving((*GUNICORN, "flask_site:app"), tmp_path / "spool") as server, server.begin(path):
        lines = server.stack("spin")
        server.kill()
    assert route_of(lines) == f"GET {path}"
    assert any(line.startswith("request (<perfkit>") for line in lines)


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_a_client_that_leaves_ends_its_request(worker: str, tmp_path: Path) -> None:
    with serving((*GUNICORN, "-k", worker, "flask_site:app"), tmp_path / "spool") as server:
        with server.begin("/endless") as connection:
            connection.recv(100_000)
        ((endpoint, status, size),) = server.seen(1)
    assert (endpoint, status) == ("GET /endless", 200)
    assert size is not None
    assert size >= 65536


def test_a_request_in_flight_at_a_kill_is_just_missing(tmp_path: Path) -> None:
    with serving((*GUNICORN, "-k", "gthread", "--threads", "4", "flask_site:app"), tmp_path / "spool") as server:
        server.check(ASKS[:3])
        with server.begin("/spin"):
            server.stack("spin")
            server.kill()
        seen = [one.endpoint(request) for one in server.spooled() for request in one.requests]
    assert "GET /spin" not in seen
    assert len([endpoint for endpoint in seen if "/items/" in endpoint]) == 3


def test_without_a_place_to_write_it_serves_as_before(tmp_path: Path) -> None:
    with serving((*GUNICORN, "-k", "gthread", "--threads", "4", "flask_site:app"), tmp_path / "spool") as server:
        server.check(ASKS)
        (tmp_path / "spool").rename(tmp_path / "gone")
        for ask in ASKS * 3:
            assert server.ask(ask.path, ask.method)[0] == ask.status
        assert "perfkit_probe/spool" not in server.said()


def test_the_test_client_gives_the_same(tmp_path: Path) -> None:
    script = tmp_path / "project" / "asks.py"
    script.parent.mkdir()
    script.write_text(
        f"import sys; sys.path.append({str(Path(__file__).parent / 'apps')!r})\n"
        "from flask_site import app\n"
        "client = app.test_client()\n"
        "print(client.get('/items/3').data, client.get('/stream').data, client.get('/file').data[:5])\n"
        "answer = client.get('/stream', buffered=False)\n"
        "print(next(iter(answer.response))); answer.close()\n"
        "app.testing = True\n"
        "try: client.get('/boom')\n"
        "except ValueError as error: print(repr(error), error.__context__)\n"
    )
    ended, spooled = run_with_probe(script, tmp_path / "spool", sys.executable, "-W", "error")
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [
        r"b'item 3' b'part 0\npart 1\npart 2\npart 3\npart 4\n' b'fffff'",
        r"b'part 0\n'",
        "ValueError('boom') None",
    ]
    seen = [(one.endpoint(request), request.status, request.size) for one in spooled for request in one.requests]
    assert seen[0] == ("GET /items/<int:number>", 200, 6)
    assert seen[3:] == [("GET /stream", 200, 7), ("GET /boom", 500, None)]
