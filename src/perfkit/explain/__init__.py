"""Explain: statements and a DSN come in; Plans, and NotPlanned for the rest, go out. Nothing in the database ever changes.

dsn           what --dsn takes → Dsn
safety, scanning, placeholders    which texts may be planned, which may be run, and their parameters
DATABASES     one occupant a database: it connects, explains, and looks indexes and tables up
read_plan     a plan that somebody has already, in any of the databases' forms → Plan
redacted      a Plan without the literals in it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.shared.registry import Registry

if TYPE_CHECKING:
    from perfkit.explain.explaining import connect, explain_all
    from perfkit.explain.interface import Database, ExplainOptions, Statement
    from perfkit.explain.reading import read_plan
    from perfkit.explain.redaction import redacted

__all__ = [
    "DATABASES",
    "Database",
    "ExplainOptions",
    "Statement",
    "connect",
    "explain_all",
    "read_plan",
    "redacted",
]

DATABASES: Registry[type[Database]] = Registry(
    "database",
    "perfkit.databases",
    {
        "postgresql": "perfkit.explain.postgres:Postgres",
        "postgres": "perfkit.explain.postgres:Postgres",
        "mysql": "perfkit.explain.mysql:MySQL",
        "mariadb": "perfkit.explain.mysql:MySQL",
        "sqlite": "perfkit.explain.sqlite:SQLite",
    },
)

_LOADED_LATER = {
    "Database": "interface",
    "ExplainOptions": "interface",
    "Statement": "interface",
    "connect": "explaining",
    "explain_all": "explaining",
    "read_plan": "reading",
    "redacted": "redaction",
}


def __getattr__(name: str) -> object:
    """What the list of databases does not need is loaded when it is asked for."""
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"perfkit.explain.{_LOADED_LATER[name]}"), name)
