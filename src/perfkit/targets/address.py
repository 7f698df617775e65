"""A URL to send requests to: text comes in; where to connect and what to ask for go out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, quote, unquote, urlsplit

from perfkit.errors import USAGE, PerfkitError
from perfkit.targets.words import printable

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})
# All that RFC 3986 allows in a path and query, and the percent sign of what is quoted already.
_ALLOWED = "/?:@!$&'()*+,;=%~-._[]|"


@dataclass(frozen=True, slots=True)
class Address:
    """`endpoint` is `GET /path`: the query would make each request an endpoint of its own, and may hold secrets."""

    scheme: str
    host: str
    port: int
    target: str
    endpoint: str
    headers: Mapping[str, str]

    def connect(self, timeout: float) -> HTTPConnection:
        """A connection that opens at the first request. A certificate is verified unless the host is this machine."""
        if self.scheme == "http":
            return HTTPConnection(self.host, self.port, timeout=timeout)
        import ssl

        context = ssl.create_default_context()
        if self.host in _LOCAL:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(self.host, self.port, timeout=timeout, context=context)


def parse(url: str) -> Address:
    """Raises PerfkitError (usage) for what is not http:// or https:// and a host."""
    shown = printable(url)
    if "://" not in url:
        raise PerfkitError(f"{shown} has no scheme.", f"http://{shown.lstrip('/') or 'localhost:8000/'}", USAGE)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError):
        raise PerfkitError(f"{shown} is not a URL.", "http://localhost:8000/", USAGE) from None
    if parts.scheme not in ("http", "https"):
        raise PerfkitError(f"{shown} is not http or https.", "http://localhost:8000/", USAGE)
    if not host:
        raise PerfkitError(f"{shown} names no host.", "http://localhost:8000/", USAGE)
    path = quote(parts.path or "/", safe=_ALLOWED.replace("?", ""))
    query = f"?{quote(parts.query, safe=_ALLOWED)}" if parts.query else ""
    default = 443 if parts.scheme == "https" else 80
    return Address(parts.scheme, host, port or default, path + query, f"GET {path}", _headers(parts))


def _headers(parts: SplitResult) -> dict[str, str]:
    headers = {"User-Agent": "perfkit", "Accept": "*/*"}
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + b64encode(user.encode()).decode()
    return headers
