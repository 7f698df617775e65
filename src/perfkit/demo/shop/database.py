"""The shop's database: one SQLite connection for each worker process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

Row = sqlite3.Row


class Database:
    """Rows have their columns by name."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.row_factory = sqlite3.Row

    def query(self, sql: str, *parameters: object) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, *parameters: object) -> Row:
        return self.query(sql, *parameters)[0]

    def create(self, script: str) -> None:
        self._connection.executescript(script)

    def insert(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._connection:
            self._connection.executemany(sql, rows)
