"""Explain room: names as a database takes them in a statement of its own, whatever is in them."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
# Words that at least one database takes for something else; a quote too many does no harm.
_SPECIAL = frozenset(
    re.findall(
        r"\w+",
        "abort action add after all alter always analyse analyze and any array as asc asymmetric attach authorization autoincrement "
        "before begin between binary both by cascade case cast check collate collation column columns commit concurrently conflict "
        "constraint create cross current current_catalog current_date current_role current_schema current_time current_timestamp "
        "current_user database default deferrable deferred delete desc detach distinct do drop each else end escape except exclude "
        "exclusive exists explain fail false fetch filter first following for foreign freeze from full generated glob grant group "
        "groups having if ignore ilike immediate in index indexed initially inner insert instead intersect interval into is isnull "
        "join key last lateral leading left like limit localtime localtimestamp match materialized natural no not nothing notnull "
        "null nulls of offset on only or order others outer over overlaps partition placing plan pragma preceding primary query "
        "raise range recursive references regexp reindex release rename replace restrict returning right rollback row rows savepoint "
        "select session_user set similar some symmetric system_user table tablesample temp temporary then ties to trailing "
        "transaction trigger true unbounded union unique update user using vacuum values variadic verbose view virtual when where "
        "window with without",
    )
)
_BACKTICKS = frozenset({"mysql", "mariadb"})


def quoted(name: str, system: str) -> str:
    """Bare where that is the same name, else in the database's quotes."""
    if _PLAIN.fullmatch(name) and name not in _SPECIAL and system not in _BACKTICKS:
        return name
    mark = "`" if system in _BACKTICKS else '"'
    return mark + name.replace(mark, mark * 2) + mark


def qualified(name: str, schema: str | None, system: str) -> str:
    """With its schema, but for those that every session looks into anyway."""
    if not schema or schema in ("public", "main"):
        return quoted(name, system)
    return f"{quoted(schema, system)}.{quoted(name, system)}"
