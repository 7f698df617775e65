"""What a database must do: connect once, explain statement after statement, and say what it knows of tables and indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from perfkit.explain.dsn import Dsn
from perfkit.model.plan import Index, NotPlanned, Plan


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` is as it was logged, with its values, or with placeholders for them ($1, ?, %s, :name). `parameters` are the values
    in their order, as text, None for NULL; empty where they are not known. `system` is that of the log, or empty."""

    text: str
    fingerprint: str = ""
    system: str = ""
    parameters: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """`analyze` runs single SELECTs that change nothing. `i_know` lets it run them, and lets the planner run functions of the
    database, as a superuser. Timeouts are seconds, of one statement."""

    analyze: bool = False
    i_know: bool = False
    statement_timeout: float = 30.0
    lock_timeout: float = 2.0
    connect_timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Column:
    """`distinct` is the estimated number of different values, None where no statistics are there; `nulls` a share; `width`
    the mean bytes. `frequencies` are the shares that its frequent values have, None where they are not known."""

    name: str
    type: str
    nullable: bool = True
    distinct: float | None = None
    nulls: float | None = None
    width: int | None = None
    frequencies: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` and `bytes` are the database's estimates. `writes` counts inserts, updates and deletes and `reads` the scans since its
    statistics began, None where it does not count them."""

    name: str
    schema: str | None = None
    rows: int | None = None
    bytes: int | None = None
    columns: tuple[Column, ...] = ()
    reads: int | None = None
    writes: int | None = None

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement is not planned, or not run: one line, and what to do."""

    why: str
    remedy: str


NO_TEXT = Refusal("a value of it is no text", "give its values as text in UTF-8")


class ServerGone(Exception):
    """The connection ended; no further statement can be explained over it. Its text is one line."""


class Database(Protocol):
    """One connection. `system` is postgresql, mysql, mariadb or sqlite, `version` the server's own words."""

    system: str
    version: str

    def __init__(self, dsn: Dsn, options: ExplainOptions) -> None:
        """Connects. Raises PerfkitError where the driver is missing or the server says no."""

    def explain(self, statement: Statement, analyze: bool | None = None) -> Plan | NotPlanned:
        """`analyze` overrules the options. A statement that may be planned but not run is planned, with a remark that says why
        it was not run. Raises ServerGone, nothing else."""

    def indexes(self, table: str, schema: str | None = None) -> tuple[Index, ...]:
        """All of one table, as far as the role may see them. Raises ServerGone."""

    def table(self, name: str, schema: str | None = None) -> Table | None:
        """None where there is no such table, or where it is not for the role to see. Raises ServerGone."""

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query of our own, in a read-only transaction that is rolled back; placeholders as the driver wants
        them. The session stays the same one, so that hypothetical indexes do. Empty where the database refuses it.
        Raises ServerGone."""

    def close(self) -> None:
        """Never raises."""


@dataclass(slots=True)
class Seen:
    """What was looked up of tables and indexes, once a connection."""

    tables: dict[tuple[str | None, str], Table | None] = field(default_factory=dict)
    indexes: dict[tuple[str | None, str], tuple[Index, ...]] = field(default_factory=dict)


def around(database: Database, plan: Plan, seen: Seen) -> tuple[Mapping[str, int], tuple[Index, ...]]:
    """Estimated rows of the tables in a plan by name, and their indexes; of those that were looked up before the server went: the
    plan is there and is kept."""
    rows: dict[str, int] = {}
    indexes: list[Index] = []
    with suppress(ServerGone):
        for _, node in plan.root.walk():
            if node.relation is None or node.relation in rows:
                continue
            key = (node.schema, node.relation)
            if key not in seen.tables:
                table = database.table(node.relation, node.schema)
                seen.indexes[key] = database.indexes(node.relation, node.schema) if table else ()
                seen.tables[key] = table
            table = seen.tables[key]
            if table is not None and table.rows is not None:
                rows[node.relation] = table.rows
            indexes += [index for index in seen.indexes[key] if index not in indexes]
    return rows, tuple(indexes)
