"""What psycopg's cursors have run. They have slots and no place for it: it stands here, by their ids."""

from __future__ import annotations

from _weakref import ref
from time import monotonic

from . import spool
from .dbapi import place
from .requests import CONNECT, TRANSACTION, name, span
from .sites import site
from .statements import MANY, NOTHING, executed, fetched
from .statements import single as _single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Statement

SYSTEM = "postgresql"
_COMMAND_OK = 1
_IDLE = 0
_CONNECTED = 0
_running: dict[int, Running] = {}
# The connections that run an executemany just now: its pipeline is a part of it.
batches: list[int] = []


class Running(ref):  # type: ignore[type-arg]
    """A cursor's last statement. Ends with the cursor."""

    __slots__ = ("key", "last")

    key: int
    last: Statement


def running(cursor: Any) -> Running:
    found = _running.get(id(cursor))
    if found is None:
        found = Running(cursor, _gone)
        found.key = id(cursor)
        found.last = NOTHING
        _running[found.key] = found
    return found


def _gone(one: Running) -> None:
    try:
        _running.pop(one.key, None)
    except Exception:  # the interpreter is ending
        return


spool.after_fork.append(_running.clear)  # the parent's numbers mean nothing in the child's file


def single(cursor: Any, started: float, found: bool) -> None:
    """A row of a fetchone or of an iteration, or that there was no more."""
    try:
        one = _running.get(id(cursor)) or running(cursor)
        _single(one.last, started, found)
    except Exception as error:
        spool.broken("rows of psycopg", error)


def many(cursor: Any, started: float, rows: Any) -> None:
    seconds = monotonic() - started
    try:
        if rows:
            fetched(running(cursor).last, started, seconds, len(rows))
    except Exception as error:
        spool.broken("rows of psycopg", error)


def here() -> int:
    """The call site, for hooks that ask before they await."""
    if spool.closed:
        return 0
    try:
        return site(2)
    except Exception as error:
        spool.broken("lines of psycopg's statements", error)
        return 0


def done(cursor: Any, query: Any, values: Any, started: float, stack: int | None = None) -> None:
    """A statement of this cursor has run. Called by hooks, one frame below the call that they time."""
    if spool.closed:
        return
    try:
        if stack is None:
            stack = site(2)
        one = running(cursor)
        one.last = executed(_text(cursor, query), values, SYSTEM, started, _changed(cursor, values), stack)
    except Exception as error:
        spool.broken("statements of psycopg", error)


def _text(cursor: Any, query: Any) -> Any:
    """What is composed of parts has its text only once it was sent, with `$1` for each parameter."""
    if isinstance(query, (str, bytes)):
        return query
    sent = getattr(getattr(cursor, "_query", None), "query", None)
    return sent if isinstance(sent, bytes) else "(%s)" % type(query).__name__


def _changed(cursor: Any, values: Any) -> int:
    """Rows that a statement changed; of one that gives rows, -1: they count when they are fetched."""
    result = cursor.pgresult
    pending = result is None
    known = values is MANY and not cursor._conn._pipeline if pending else result.status == _COMMAND_OK
    rows = cursor._rowcount if known else -1
    return rows if type(rows) is int and rows >= 0 else -1


def at_rest(connection: Any) -> bool:
    """Outside of a transaction: nothing will be sent to end one."""
    try:
        return bool(connection.pgconn.transaction_status == _IDLE)
    except Exception:
        return True


def opening(transaction: Any) -> str:
    return "BEGIN" if getattr(transaction, "_outer_transaction", True) else "SAVEPOINT"


def ended(transaction: Any, error: Any) -> str:
    """What a transaction block sends at its end, where the connection still stands."""
    try:
        if transaction.pgconn.status != _CONNECTED:
            return ""
        outer = opening(transaction) == "BEGIN"
        if error is None and not transaction.force_rollback:
            return "COMMIT" if outer else "RELEASE SAVEPOINT"
        return "ROLLBACK" if outer else "ROLLBACK TO SAVEPOINT"
    except Exception as broken:
        spool.broken("transactions of psycopg", broken)
        return ""


def synced(pipeline: Any, started: float, stack: int | None = None) -> None:
    """A wait for what was sent before."""
    seconds = monotonic() - started
    try:
        if id(pipeline._conn) not in batches:
            if stack is None:
                stack = site(2)
            span(TRANSACTION, name("SYNC", SYSTEM), started, seconds, stack=stack)
    except Exception as error:
        spool.broken("pipelines of psycopg", error)


def connected(connection: Any, started: float, stack: int | None = None) -> None:
    """`connection` is None where it was refused."""
    seconds = monotonic() - started
    try:
        if stack is None:
            stack = site(2)
        span(CONNECT, name(address(connection), SYSTEM), started, seconds, stack=stack)
    except Exception as error:
        spool.broken("connections of psycopg", error)


def address(connection: Any) -> str:
    if connection is None:
        return SYSTEM
    at = connection.pgconn
    return "%s %s" % (SYSTEM, place(at.host, at.port.decode(), at.db))
