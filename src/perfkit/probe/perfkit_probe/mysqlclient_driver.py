"""mysqlclient (MySQLdb): statements, rows, transactions, connections."""

from __future__ import annotations

import sys

from . import dbapi, hooks, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SYSTEM = "mysql"


def apply(module: Any) -> None:
    if getattr(sys.modules.get("MySQLdb"), "__name__", "") == "pymysql":
        # It stands in for MySQLdb (install_as_MySQLdb): this is its own file under another name, with classes of its own.
        from . import pymysql_driver

        pymysql_driver.apply(module)
        return
    if module.__name__ == "MySQLdb.cursors":
        dbapi.begin(module.BaseCursor)
        known = dbapi.watch(module.BaseCursor, _SYSTEM)
        for rows in (module.CursorStoreResultMixIn, module.CursorUseResultMixIn):
            dbapi.watch(rows, _SYSTEM)
    else:
        known = hooks.replaced(module.Connection, "__init__", dbapi.logs_in(_SYSTEM, _address))
        _transactions(module.Connection)
    if not known:
        spool.gap("SQL through mysqlclient", "this version is not known", "use mysqlclient 1.4 to 2.3")


def _transactions(connection: Any) -> None:
    """commit and rollback are C methods of a base class, which cannot be changed: the class gets its own."""
    hooks.replaced(connection, "begin", dbapi.sends("BEGIN", _SYSTEM))
    for method in ("commit", "rollback"):
        if method not in vars(connection):
            hooks.put(connection, method, getattr(connection, method))
        hooks.replaced(connection, method, dbapi.sends(method.upper(), _SYSTEM))


def _address(
    _: Any,
    host: Any = None,
    user: Any = None,
    password: Any = None,
    database: Any = None,
    port: Any = 3306,
    unix_socket: Any = None,
    **others: Any,
) -> str:
    return dbapi.place(host, port, database or others.get("db"), unix_socket)
