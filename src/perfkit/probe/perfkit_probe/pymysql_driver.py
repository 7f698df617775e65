"""PyMySQL, also where it stands in for MySQLdb: statements, rows, transactions, connections."""

from __future__ import annotations

from . import dbapi, hooks, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SYSTEM = "mysql"


def apply(module: Any) -> None:
    if module.__name__.endswith(".cursors"):
        dbapi.begin(module.Cursor)
        known = dbapi.watch(module.Cursor, _SYSTEM)
        dbapi.watch(module.SSCursor, _SYSTEM)
    else:
        known = hooks.replaced(module.Connection, "connect", dbapi.logs_in(_SYSTEM, _address))
        for method in ("begin", "commit", "rollback"):
            hooks.replaced(module.Connection, method, dbapi.sends(method.upper(), _SYSTEM))
    if not known:
        spool.gap("SQL through PyMySQL", "this version is not known", "use PyMySQL 0.10 to 1.2")


def _address(connection: Any, *_: Any, **__: Any) -> str:
    return dbapi.place(connection.host, connection.port, connection.db, connection.unix_socket)
