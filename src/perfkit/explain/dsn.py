"""Explain room: what `--dsn` takes comes in, a Dsn that names its database goes out. No message shows a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from perfkit.errors import USAGE, PerfkitError

EXAMPLE = "--dsn postgresql://user@host/database, mysql://user@host/database or sqlite:///path/to/file.db"
_SCHEMES = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9]*)(?:\+(?P<driver>\w+))?:(?P<rest>//.*)", re.DOTALL)
_KEYWORDS = re.compile(r"\s*[a-z_]+\s*=", re.ASCII)
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%]+)\]|(?P<host>[^\[\]:@\s]*))(?::(?P<port>\d{0,5}))?")
_ENCODES_NOTHING = re.compile(r"%(?:00|(?![0-9a-fA-F]{2}))")
_SETTING = re.compile(r"\?\w+=")
_ENCODE = "write the password's @ as %40, / as %2F, : as %3A, ? as %3F, # as %23 and % as %25"


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
    login, where = _split(rest)
    ends = next((at for at, sign in enumerate(where) if sign in "/?"), len(where))
    hosts, (path, _, query) = where[:ends], where[ends:].partition("?")
    conninfo = ""
    if scheme.startswith("postgres"):
        if _ENCODES_NOTHING.search(rest):  # libpq would say so with the password in its message
            raise PerfkitError("the DSN has a % that encodes no character.", _ENCODE, USAGE)
        conninfo = f"postgresql://{login.replace('@', '%40')}@{where}" if login else f"postgresql://{where}"
    found = _HOST.fullmatch(hosts)
    if conninfo and "," in hosts and all(map(_HOST.fullmatch, hosts.split(","))):  # libpq tries one after the other
        return Dsn(scheme, conninfo=conninfo)
    if found is None or int(found["port"] or 0) > 65535:
        raise PerfkitError("the DSN's host or port cannot be read.", f"{EXAMPLE}; {_ENCODE}", USAGE)
    user, _, password = login.partition(":")
    return Dsn(
        scheme,
        conninfo=conninfo,
        host=unquote(found["six"] or found["host"] or ""),
        port=int(found["port"]) if found["port"] else None,
        user=unquote(user),
        password=unquote(password),
        database=unquote(path.removeprefix("/")),
        query=dict(parse_qsl(query)),
    )


def _split(rest: str) -> tuple[str, str]:
    """User and password, and all behind them. The last @ before a slash parts them, whatever signs are before it; an @ behind a slash
    may be one of a password that has both, and one behind ?password= of what follows it, which nobody can tell."""
    authority, slash, behind = rest.removeprefix("//").partition("/")
    login, _, host = authority.rpartition("@")
    if ("@" in behind and ":" in authority) or _SETTING.search(login):
        raise PerfkitError("nobody can tell where the DSN's password ends.", _ENCODE, USAGE)
    return login, host + slash + behind


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
