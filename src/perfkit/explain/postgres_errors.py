"""Explain room: what psycopg raises comes in, one line of why and one of what to do go out."""

from __future__ import annotations

import re
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.explain import connecting
from perfkit.explain.dsn import Dsn
from perfkit.explain.interface import Refusal
from perfkit.shared import redact

_LITERAL = re.compile(r"""\"(?:'[^\"]*|[\d.]+)\"""")
_REMEDIES = {
    "57014": "give it longer, or explain it without --analyze",
    "55P03": "another session holds a lock on a table of it: try again later",
    "42501": "use a role that may SELECT from the tables of the statement",
    "42P01": "name the database that the statement ran on in --dsn, and its schema: ?options=-csearch_path%3Dschema",
    "3F000": "name the database that the statement ran on in --dsn",
    "42703": "the tables have changed since: explain what the application sends now",
    "42883": "explain it on the database that it ran on, with its functions and extensions",
    "42601": "give the statement as PostgreSQL takes it, whole",
    "42P18": "keep the values: --keep-literals",
    "25006": "explain it without --analyze",
}


def refused(error: Exception) -> Refusal:
    """Why the server did not plan a statement."""
    state = getattr(error, "sqlstate", None) or ""
    why = _LITERAL.sub('"?"', one_line(error))
    if state.startswith("22"):  # data exceptions repeat the value that they are about
        why = why.partition(": ")[0]
    if state == "57014":
        why = "it took longer than statement_timeout allows"
    elif state == "55P03":
        why = "it waited for a lock longer than lock_timeout allows"
    return Refusal(why, _REMEDIES.get(state, "explain it on the database that it ran on"))


def connection_error(error: Exception, dsn: Dsn) -> PerfkitError:
    """What libpq says repeats parts of the DSN, and where that is written amiss they are of the password: it is never quoted."""
    said = connecting.reason(str(error))
    where = f"PostgreSQL on {dsn.shown}" if dsn.host or dsn.database else "PostgreSQL"
    if said.kind == "login":
        return PerfkitError(
            f"{where} let nobody in: {said.words}.", "check user and password (PGPASSWORD and ~/.pgpass work)"
        )
    if said.kind == "name":
        return PerfkitError(f"{where} said no: {said.words}.", "check the names of database and role in --dsn")
    if said.kind == "unread":
        return PerfkitError("libpq cannot read the DSN.", "postgresql://user@host:5432/database")
    return PerfkitError(
        f"{where} cannot be reached: {said.words}.", "check host and port in --dsn, and that the server runs"
    )


def one_line(error: Any) -> str:
    """The server's own message where there is one, else the first line that libpq says, without any password."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = str(primary or error).strip().splitlines() or ["no reason given"]
    return redact.text(" ".join(lines[0].split()).rstrip("."))[:500]
