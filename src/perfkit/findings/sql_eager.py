"""Advice for statements that run once per row: how each library loads all of it at once, as a diff where a line allows it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfkit.findings.interface import View
from perfkit.findings.sql_loops import Looped, SqlLoop
from perfkit.findings.sql_source import query_line, relations
from perfkit.findings.sql_uses import Group, library, parent_group
from perfkit.model.finding import Advice
from perfkit.model.recording import Frame

_MANAGER = re.compile(r"\b\w+\.objects\b(?!\.select_related)")
_SELECT = re.compile(r"\bselect\((?P<entity>[A-Z]\w*)\)(?!\.options)")
_QUERY = re.compile(r"\.query\((?P<entity>[A-Z]\w*)\)(?!\.options)|\b(?P<owner>[A-Z]\w*)\.query\b(?!\.options|\()")
_MANY = re.compile(r"\.(?P<name>\w+)\.(?:all|filter|order_by|exclude)\(")
_COUNTED = re.compile(r"\.(?P<name>\w+)\.(?:count|exists|aggregate)\(")


def advice(view: View, loop: SqlLoop) -> Advice:
    kind = library(view, loop.first.group)
    if kind == "django":
        return _django(view, loop)
    if kind == "sqlalchemy":
        return _sqlalchemy(view, loop)
    if kind == "peewee":
        return Advice(
            f"`prefetch(query, {', '.join(_models(loop))})` loads them with one query each, `.join()` with the first"
        )
    return _plain(loop)


def names_of(view: View, loop: SqlLoop) -> list[str]:
    """What is loaded, as the source names it where it does, else by table."""
    names = relations(view, _lines(loop), loop.first.around, [member.group.table for member in loop.members])
    if len(names) == len(loop.members):
        return names
    return [_word(view, member.group) or "a row" for member in loop.members]


def _word(view: View, group: Group) -> str:
    """A table's name; Django puts the application's before it."""
    return group.table.rpartition("_")[2] if library(view, group) == "django" else group.table


def _lines(loop: SqlLoop) -> list[Frame]:
    frames = [frame for member in loop.members for frame in (member.group.where, member.frame) if frame is not None]
    return list(dict.fromkeys(frames))


def _models(loop: SqlLoop) -> list[str]:
    tables = [member.group.table for member in loop.members]
    return ["".join(part.title() for part in table.split("_")) for table in tables if table]


def _django(view: View, loop: SqlLoop) -> Advice:
    forward = [member for member in loop.members if _late(view, member, "related_descriptors.py")]
    text = _line(view, loop.first)
    counted, many = _COUNTED.search(text), _MANY.search(text)
    if not forward and counted:
        return Advice(f'`.annotate(n=Count("{counted["name"]}"))` on the query before the loop counts them all at once')
    names = relations(view, _lines(loop), loop.first.around, [member.group.table for member in loop.members])
    if not forward and many:
        return _chained(view, loop, _MANAGER, f'.prefetch_related("{many["name"]}")', "two queries in all")
    if forward and names:
        quoted = ", ".join(f'"{name}"' for name in names)
        return _chained(view, loop, _MANAGER, f".select_related({quoted})", "one query with a JOIN")
    if forward:
        related = listed([_word(view, member.group) for member in forward])
        return Advice(
            f"`.select_related(…)` of the relation to {related}, on the query before the loop: one query with a JOIN"
        )
    return Advice(
        f"ask once before the loop: `in_bulk(ids)` or `filter(pk__in=ids)` on {_tables(loop)}, or "
        "`select_related` / `prefetch_related` where it is a relation"
    )


def _sqlalchemy(view: View, loop: SqlLoop) -> Advice:
    late = any(_late(view, member, "strategies.py", "attributes.py", "dynamic.py") for member in loop.members)
    names = relations(view, _lines(loop), loop.first.around, [member.group.table for member in loop.members])
    if not late:
        return Advice(
            f"ask once before the loop: `select(…).where(….in_(ids))` on {_tables(loop)}, and look the rows up in a dict"
        )
    if not names:
        return Advice(
            "`.options(selectinload(…))` on the query before the loop loads the relation for all rows at once"
        )
    line = query_line(view, _parent_frame(view, loop), _SELECT) or query_line(view, _parent_frame(view, loop), _QUERY)
    found = (_SELECT.search(line) or _QUERY.search(line)) if line else None
    groups_found = found.groupdict() if found else {}
    entity = groups_found.get("entity") or groups_found.get("owner") or "…"
    option = ".options(" + ", ".join(f"selectinload({entity}.{name})" for name in names) + ")"
    text = f"`{option}` on the query before the loop: {_one_more(len(names))} in place of one per row"
    return Advice(text, _diff(line, found, option))


def _chained(view: View, loop: SqlLoop, pattern: re.Pattern[str], call: str, effect: str) -> Advice:
    line = query_line(view, _parent_frame(view, loop), pattern)
    found = pattern.search(line) if line else None
    return Advice(f"`{call}` on the query before the loop: {effect}", _diff(line, found, call))


def _diff(line: str | None, found: re.Match[str] | None, call: str) -> str | None:
    if line is None or found is None:
        return None
    return f"-{line}\n+{line[: found.end()]}{call}{line[found.end() :]}"


def _parent_frame(view: View, loop: SqlLoop) -> Frame | None:
    """Where the statement before the loop was asked for."""
    parent = parent_of(view, loop)
    return parent.where if parent is not None else None


def parent_of(view: View, loop: SqlLoop) -> Group | None:
    if loop.parent is None:
        return None
    return parent_group(view, loop.parent[0], (use.endpoint for group in loop.groups for use in group.uses))


def _late(view: View, member: Looped, *files: str) -> bool:
    """Whether a relation was loaded when it was touched, which the mapper's own frames tell."""
    frames = view.analysis.stacks.expand(member.group.main.stack)[:-1]
    return any(frame.origin == "library" and frame.file.endswith(files) for frame in frames)


def _line(view: View, member: Looped) -> str:
    where = member.group.where
    return (view.lines.text(where.file, where.line) if where else None) or ""


def _plain(loop: SqlLoop) -> Advice:
    return Advice(
        f"ask once before the loop: a JOIN on {_tables(loop)} in the first statement, or one `WHERE … IN (…)` with all ids "
        "and a dict to look the rows up"
    )


def _tables(loop: SqlLoop) -> str:
    return " and ".join(dict.fromkeys(group.table or "the table" for group in loop.groups))


def _one_more(n: int) -> str:
    return "one more query" if n == 1 else f"{n} more queries"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
