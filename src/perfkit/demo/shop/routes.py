"""The WSGI application: finds the view of a path and sends what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from . import settings
from .database import Database
from .export import export
from .orders import orders
from .page import page
from .report import report

Answer = tuple[str, bytes]
View = Callable[..., Answer]


class Shop:
    """`GET` only; the views get the database, the request's settings and the numbers in the path."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._routes: list[tuple[re.Pattern[str], View]] = [
            (re.compile(pattern), view)
            for pattern, view in (
                (r"/orders", orders),
                (r"/report", report),
                (r"/page/(\d+)", page),
                (r"/export", export),
                (r"/health", health),
            )
        ]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        view, args, kwargs = self._resolve(environ)
        if view is None:
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "10")])
            return [b"not found\n"]
        kind, body = view(*args, **kwargs)
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _resolve(self, environ: dict[str, Any]) -> tuple[View | None, tuple[str, ...], dict[str, Any]]:
        for pattern, view in self._routes:
            found = pattern.fullmatch(environ["PATH_INFO"])
            if found:
                query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
                return view, found.groups(), {"database": self._database, "settings": settings.for_request(query)}
        return None, (), {}


def health(database: Database, settings: dict[str, Any]) -> Answer:
    """Whether the database answers."""
    return "text/plain", f"ok {database.one('SELECT 1 AS answer')['answer']}\n".encode()
