"""Explain room: what `--dsn` takes comes in, a Dsn that names its database goes out. No message shows a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from perfkit.errors import USAGE, PerfkitError

EXAMPLE = "--dsn postgresql://user@host/database, mysql://user@host/database or sqlite:///path/to/file.db"
_SCHEMES = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9]*)(?:\+(?P<driver>\w+))?:(?P<rest>//.*)", re.DOTALL)
_KEYWORDS = re.compile(r"\s*[a-z_]+\s*=", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dsn:
    """`kind` is a name of DATABASES. `conninfo` is what libpq takes, empty for the others; `database` a name or SQLite's path."""

    kind: str
    conninfo: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """Where it leads, without how to get in."""
        if self.kind == "sqlite":
            return self.database
        port = f":{self.port}" if self.port else ""
        return f"{self.host or 'the local server'}{port}" + (f", database {self.database}" if self.database else "")


def parse(text: str) -> Dsn:
    """A URL, as libpq or SQLAlchemy write it, or libpq's `host=… dbname=…`. Raises PerfkitError where it is neither."""
    text = text.strip()
    if not text:
        raise PerfkitError("the DSN is empty.", EXAMPLE, USAGE)
    if "\0" in text:
        raise PerfkitError("the DSN has a NUL byte in it.", EXAMPLE, USAGE)
    url = _URL.fullmatch(text)
    if url is None:
        if _KEYWORDS.match(text):
            return Dsn("postgresql", conninfo=text)
        raise PerfkitError("the DSN is not a URL.", EXAMPLE, USAGE)
    scheme = url["scheme"].lower()
    if scheme not in _SCHEMES:
        from difflib import get_close_matches

        near = get_close_matches(scheme, _SCHEMES, n=1)
        hint = f"did you mean {near[0]}://…?" if near else EXAMPLE
        raise PerfkitError(f"perfkit explains nothing on {scheme}.", hint, USAGE)
    if scheme == "sqlite":
        return _sqlite(url["rest"])
    return _server(scheme, url["rest"])


def _server(scheme: str, rest: str) -> Dsn:
    conninfo = f"postgresql:{rest}" if scheme.startswith("postgres") else ""
    try:
        parts = urlsplit(f"{scheme}:{rest}")
        port = parts.port
    except ValueError:
        if conninfo:  # several hosts, which libpq knows how to read
            return Dsn(scheme, conninfo=conninfo)
        raise PerfkitError("the DSN's host or port cannot be read.", EXAMPLE, USAGE) from None
    return Dsn(
        scheme,
        conninfo=conninfo,
        host=unquote(parts.hostname or ""),
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.removeprefix("/")),
        query=dict(parse_qsl(parts.query)),
    )


def _sqlite(rest: str) -> Dsn:
    """`///relative`, `////absolute`; `?mode=ro` and the like add nothing to what is opened read-only anyway."""
    path = unquote(rest.partition("?")[0])
    if not path.startswith("///"):
        raise PerfkitError(
            "the DSN names no SQLite file.", "sqlite:///relative.db or sqlite:////absolute/path.db", USAGE
        )
    path = path[3:]
    if path in ("", ":memory:"):
        raise PerfkitError(
            "a database in memory has nothing that could be planned.", "sqlite:///path/to/file.db", USAGE
        )
    return Dsn("sqlite", database=path)
