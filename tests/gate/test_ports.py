"""A port is replaced where it stands as one: in URLs, in the words of a command, and nowhere else."""

from __future__ import annotations

import pytest

from perfkit.pipeline.gating.ports import ready_with_port, url_with_port, with_port


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("http://127.0.0.1:8000/items/8000?n=8000", "http://127.0.0.1:9/items/8000?n=8000"),
        ("http://localhost/", "http://localhost:9/"),
        ("http://localhost", "http://localhost:9"),
        ("http://[::1]:8000/a", "http://[::1]:9/a"),
        ("http://[::1]/a", "http://[::1]:9/a"),
        ("http://me:12@host:80/x", "http://me:12@host:9/x"),
        ("http://127.0.0.1:{port}/x", "http://127.0.0.1:9/x"),
    ],
)
def test_port(url: str, becomes: str) -> None:
    assert url_with_port(url, "9") == becomes


@pytest.mark.parametrize(
    ("command", "becomes"),
    [
        ("gunicorn --timeout 8000 -b :8000", "gunicorn --timeout 8000 -b :9"),
        ("gunicorn --timeout=8000 --bind=127.0.0.1:8000", "gunicorn --timeout=8000 --bind=127.0.0.1:9"),
        ("flask run -p 8000", "flask run -p 9"),
        ("flask run -p8000", "flask run -p9"),
        ("uvicorn --port 8000 --limit-max-requests 8000", "uvicorn --port 9 --limit-max-requests 8000"),
        ("uvicorn --port=8000 a:8000x", "uvicorn --port=9 a:8000x"),
        ("make serve HTTP_PORT=8000", "make serve HTTP_PORT=9"),
        ("manage.py runserver 8000", "manage.py runserver 9"),
        ("manage.py --count 8000 runserver 8000", "manage.py --count 8000 runserver 9"),
        ("manage.py runserver [::]:8000", "manage.py runserver [::]:9"),
        ("hypercorn -b tcp/8000", "hypercorn -b tcp/9"),
        ("serve --support 8000 -l 8000", "serve --support 8000 -l 9"),
        ("uwsgi --http-socket :8000 --http :{port}", "uwsgi --http-socket :9 --http :{port}"),
    ],
)
def test_words(command: str, becomes: str) -> None:
    assert with_port(command.split(), "8000", "9") == tuple(becomes.split())


@pytest.mark.parametrize("command", ["gunicorn --timeout 8000 app", "gunicorn --timeout=8000 app", "app 18000 0.8000"])
def test_a_number_of_another_meaning_stays(command: str) -> None:
    assert with_port(command.split(), "8000", "9") == tuple(command.split())


def test_a_line_for_a_shell() -> None:
    words = ("sh", "-c", "gunicorn -b 0.0.0.0:8000 --max-requests 8000")
    assert with_port(words, "8000", "9")[2] == "gunicorn -b 0.0.0.0:9 --max-requests 8000"


@pytest.mark.parametrize(
    ("ready", "becomes"),
    [
        ("8000", "9"),
        ("9000", "9000"),
        ("http://127.0.0.1:8000/8000", "http://127.0.0.1:9/8000"),
        ("http://other:1/x", "http://other:1/x"),
    ],
)
def test_what_is_waited_for(ready: str, becomes: str) -> None:
    assert ready_with_port(ready, "8000", "9") == becomes
