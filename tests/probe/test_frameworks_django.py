"""Django 3.2 to 6.1 through WSGI, ASGI and runserver: which requests the probe sees, and what a sampler sees of their routes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from framework_servers import APPS, Ask, route_of, serving

from environments import NEW, OLD, OLDER, Environment

ASKS = (
    Ask("/shop/item/3/", "/shop/item/<int:pk>/"),
    Ask("/shop/item/3/", "/shop/item/<int:pk>/", method="HEAD"),
    Ask("/shop/old/abc/", "/shop/old/(?P<pk>[^/]+)/"),
    Ask("/shop/", "/shop/"),
    Ask("/shop/", "/shop/", 201, "POST"),
    Ask("/waits/abc", "/waits/<name>"),
    Ask("/nothing", "(no route)", 404),
    Ask("/page/you", "/page/<name>"),
    Ask("/stream", "/stream"),
    Ask("/boom", "/boom", 500),
)
REST = (Ask("/listing", "/listing"), Ask("/refused", "/refused", 403))
SITE = str(APPS / "django_site.py")
GUNICORN = ("-m", "gunicorn", "-b", "127.0.0.1:{port}")
UVICORN = ("-m", "uvicorn", "--port", "{port}", "--lifespan", "off")
SERVERS = {
    "wsgi": (*GUNICORN, "django_site:wsgi"),
    "asgi": (*UVICORN, "django_site:asgi"),
    "runserver": (SITE, "runserver", "--noreload", "127.0.0.1:{port}"),
    "reloader": (SITE, "runserver", "127.0.0.1:{port}"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_every_request_is_seen_once_with_its_route(server: str, tmp_path: Path) -> None:
    with serving(SERVERS[server], tmp_path / "spool") as running:
        running.check((*ASKS, *REST))


@pytest.mark.parametrize("wanted", [OLDER, OLD, NEW], ids=["3.2", "4.2", "6.1"])
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_old_and_new_versions(
    server: str, wanted: Environment, environment: Callable[..., Path], tmp_path: Path
) -> None:
    asks = ASKS if wanted is OLDER else (*ASKS, *REST)
    with serving(SERVERS[server], tmp_path / "spool", environment(wanted)) as running:
        running.check(asks)


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_middlewares_of_the_other_kind_and_files(server: str, tmp_path: Path) -> None:
    """Those that are only synchronous move what is below them into a thread."""
    middleware = "django.middleware.gzip.GZipMiddleware django_middleware.only_sync django_middleware.only_async"
    with serving(SERVERS[server], tmp_path / "spool", SITE_MIDDLEWARE=middleware) as running:
        running.check([*ASKS, Ask("/file", "/file", sized=server == "asgi")])


def test_static_files_of_the_development_server(tmp_path: Path) -> None:
    with serving(SERVERS["runserver"], tmp_path / "spool", SITE_DEBUG="1") as running:
        running.check([Ask("/static/none.css", "(no route)", 404), *ASKS[:3]])


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
@pytest.mark.parametrize("path", ["/spin", "/spin-async", "/spin-page"])
def test_a_sampler_sees_the_route(path: str, server: str, tmp_path: Path) -> None:
    with serving(SERVERS[server], tmp_path / "spool") as running, running.begin(path):
        lines = running.stack("spin")
        running.kill()
    assert route_of(lines) == f"GET {path}"


def test_many_at_once_in_two_workers(tmp_path: Path) -> None:
    with serving((*UVICORN, "--workers", "2", "django_site:asgi"), tmp_path / "spool") as running:
        running.check_many([f"/waits/{'x' * size}" for size in range(1, 65)], 64, 3)
