"""Statements and their parameters, without what they say: texts lose their literals, parameters become a keyed hash."""

from __future__ import annotations

import os
from hashlib import blake2b
from marshal import dumps
from time import monotonic
from typing import Any, Dict, Tuple

from . import sites, spool, sqltext
from .requests import FETCH, SQL, TRANSACTION, name, span

_KEY = b""
_keep_literals = False
_MOST_TEXTS = 4096
_LONG = 65_536
_texts: Dict[Any, int] = {}
_PLAIN = {"datetime", "decimal", "uuid", "ipaddress", "fractions"}
_VERBS = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START"}
_transactions: Dict[int, bool] = {}


def begin(keep_literals: bool) -> None:
    global _KEY, _keep_literals
    _KEY = bytes.fromhex(os.environ.get("PERFKIT_KEY", "")) or os.urandom(16)
    _keep_literals = keep_literals
    spool.after_fork.append(_forget)


def _forget() -> None:
    _texts.clear()
    _transactions.clear()


def statement(sql: Any, system: str) -> int:
    """The number of a statement's text without literals. `sql` is what the driver was given: str, bytes, or what prints so."""
    try:
        found = _texts.get(sql)
    except TypeError:
        found, sql = None, str(sql)
    return found if found is not None else _new(sql, system)


def _new(sql: Any, system: str) -> int:
    text = sql if isinstance(sql, str) else sql.decode("utf-8", "replace") if isinstance(sql, bytes) else str(sql)
    verb = sqltext.verb(text)
    shown = text[: sqltext.LONGEST] if _keep_literals else sqltext.redact(text, system)
    number = name(shown, system)
    _transactions[number] = verb in _VERBS
    if len(_texts) >= _MOST_TEXTS:
        _texts.clear()
    if isinstance(sql, (str, bytes)) and len(sql) <= _LONG:
        _texts[sql] = number
    return number


def parameters(sql: Any, values: Any) -> int:
    """A keyed hash of statement and parameters, never 0: equal where both are equal, and nothing else is known from it."""
    try:
        data = dumps(values, 0)
    except ValueError:
        data = _described(values)
    if isinstance(sql, str):
        data += sql[:_LONG].encode("utf-8", "surrogatepass")
    elif isinstance(sql, bytes):
        data += sql[:_LONG]
    return int.from_bytes(blake2b(data, digest_size=8, key=_KEY).digest(), "little", signed=True) or 1


def _described(values: Any) -> bytes:
    """Values of types that marshal does not know. No code of the application's runs: its own types differ each time."""
    if isinstance(values, dict):
        values = list(values.items())
    if not isinstance(values, (list, tuple)):
        values = (values,)
    parts = []
    for value in values:
        kind = type(value)
        if isinstance(value, (tuple, list, dict)) and kind in (tuple, list, dict):
            parts.append(_described(value))
        elif isinstance(value, str):
            parts.append(str.encode(value, "utf-8", "surrogatepass"))
        elif isinstance(value, (int, bytes)) and kind.__module__ != "builtins":
            parts.append(b"%d" % int.__index__(value) if isinstance(value, int) else bytes.hex(value).encode())
        elif kind.__module__ in _PLAIN or kind.__module__ == "builtins":
            parts.append(repr(value).encode("utf-8", "surrogatepass"))
        else:
            parts.append(b"%d" % id(value))
    return b"\0".join(parts)


def executed(sql: Any, values: Any, system: str, started: float, rows: int = -1) -> Tuple[int, int]:
    """A driver's hook calls this after a statement has run. Never raises.

    `rows` is what the driver knows to have changed, -1 unknown. Gives the numbers of statement and call site, for `fetched`.
    """
    seconds = monotonic() - started
    try:
        number = statement(sql, system)
        stack = sites.site(2)
        span(TRANSACTION if _transactions.get(number) else SQL, number, started, seconds, rows, parameters(sql, values), stack)
        return number, stack
    except Exception as error:
        spool.broken("statements of %s" % system, error)
        return 0, 0


def fetched(what: Tuple[int, int], started: float, seconds: float, rows: int) -> None:
    """Rows made into Python objects, of the statement for which `executed` gave `what`."""
    try:
        if what[0]:
            span(FETCH, what[0], started, seconds, rows, 0, what[1])
    except Exception as error:
        spool.broken("rows", error)
