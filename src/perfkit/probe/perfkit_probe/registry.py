"""The libraries that the probe knows: a file of this folder, and the modules whose import it waits for. One line each."""

from __future__ import annotations

from typing import Dict, Tuple

LIBRARIES: Dict[str, Tuple[str, ...]] = {
    "flask_app": ("flask.app",),
    "sqlite3_driver": ("sqlite3", "sqlite3.dbapi2"),
    "pymysql_driver": ("pymysql.cursors", "pymysql.connections"),
    "mysqlclient_driver": ("MySQLdb.cursors", "MySQLdb.connections"),
    "asyncpg_driver": (
        "asyncpg.connect_utils",
        "asyncpg.connection",
        "asyncpg.cursor",
        "asyncpg.pool",
        "asyncpg.prepared_stmt",
    ),
    "sqlalchemy_pool": ("sqlalchemy",),
    "futures_threads": ("concurrent.futures.thread", "asgiref.current_thread_executor"),
}
