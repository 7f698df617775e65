"""The port of a URL, and nothing else in it, is replaced."""

from __future__ import annotations

import pytest

from perfkit.pipeline.gating.sides import _url_with_port


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
    assert _url_with_port(url, "9") == becomes
