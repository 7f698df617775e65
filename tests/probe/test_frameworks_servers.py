"""Applications of no framework: the server's own hand-over is the request."""

from __future__ import annotations

from pathlib import Path

import pytest
from framework_servers import Ask, serving

GUNICORN = ("-m", "gunicorn", "-b", "127.0.0.1:{port}", "--no-control-socket")
WSGIREF = """
from wsgiref.simple_server import make_server
from raw_site import wsgi
make_server("127.0.0.1", {port}, wsgi).serve_forever()
"""
SERVERS = {
    "sync": (*GUNICORN, "raw_site:wsgi"),
    "gthread": (*GUNICORN, "-k", "gthread", "raw_site:wsgi"),
    "gevent": (*GUNICORN, "-k", "gevent", "raw_site:wsgi"),
    "wsgiref": ("-c", WSGIREF),
    "gunicorn-asgi": (*GUNICORN, "-k", "asgi", "raw_site:asgi"),
    "uvicorn": ("-m", "uvicorn", "--port", "{port}", "raw_site:asgi"),
    "hypercorn": ("-m", "hypercorn", "-b", "127.0.0.1:{port}", "raw_site:asgi"),
}
ASKS = (
    Ask("/some/where", "(no route)", 203),
    Ask("/", "(no route)", 203),
    Ask("/boom", "(no route)", 500, sized=False),
)


@pytest.mark.parametrize("name", SERVERS)
def test_every_request_is_seen_once(name: str, tmp_path: Path) -> None:
    with serving(SERVERS[name], tmp_path / "spool") as server:
        server.check(ASKS)
