"""Statements as the SQL rules see them: uses of one statement at one project line; in come a View's uses, out go groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from perfkit.findings.interface import NotRunError, View, place
from perfkit.findings.sql_carriers import carriers
from perfkit.findings.sql_handed import passes_on
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Place
from perfkit.model.recording import Frame, SpanKind, Stack
from perfkit.shared import sqltext
from perfkit.shared.frameworks import is_plumbing, short_name
from perfkit.shared.naming import COMPREHENSIONS

# Packages whose frames between a project's line and the driver do nothing but make, send and read statements.
MAPPERS: Final = frozenset(
    {
        "sqlalchemy",
        "django",
        "peewee",
        "tortoise-orm",
        "sqlmodel",
        "flask-sqlalchemy",
        "asyncpg",
        "aiosqlite",
        "pymysql",
    }
    | {"psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "psycopg-pool", "mysqlclient"}
)
_IN_LIST = re.compile(r"\bin\s*\(([^()]*)\)|=\s*any\s*\(", re.IGNORECASE)
_FEW_ROWS = 20
# Methods whose first argument is a statement.
EXECUTING: Final = frozenset(
    {"execute", "executemany", "exec_driver_sql", "execute_sql", "exec", "query", "iterate", "raw", "read_sql"}
    | {"fetch", "fetchrow", "fetchval", "fetch_all", "fetch_one", "fetch_val", "scalar", "scalars", "read_sql_query"}
)
Spot = tuple[str, str, int]


@dataclass
class Group:
    """One statement at one project line, over all endpoints that pass there. `where` is None where no project frame is known."""

    text: str
    system: str
    where: Frame | None
    uses: list[SpanUse] = field(default_factory=list)

    @cached_property
    def count(self) -> int:
        return sum(use.count for use in self.uses)

    @cached_property
    def seconds(self) -> float:
        return sum(use.seconds for use in self.uses)

    @cached_property
    def requests(self) -> int:
        """Requests that run it at all. Several callers may lead the same request here, each in a use of its own."""
        by_endpoint: Counter[str | None] = Counter()
        for use in self.uses:
            by_endpoint[use.endpoint] = max(by_endpoint[use.endpoint], use.requests)
        return by_endpoint.total()

    @cached_property
    def repeats(self) -> int:
        return sum(use.repeats for use in self.uses)

    @cached_property
    def rows(self) -> int | None:
        known = [use.rows for use in self.uses if use.rows is not None]
        return sum(known) if known else None

    @property
    def rows_each(self) -> float:
        return (self.rows or 0) / max(1, self.count)

    @property
    def per_request(self) -> float:
        return self.count / max(1, self.requests)

    @property
    def place(self) -> Place | None:
        return None if self.where is None else place(self.where)

    @property
    def main(self) -> SpanUse:
        """The use with most executions."""
        return max(self.uses, key=lambda use: use.count)

    @property
    def table(self) -> str:
        """The outermost table without its schema; empty where there is none."""
        return next(iter(sqltext.tables(self.text, self.system)), "").rpartition(".")[2]

    def is_read(self) -> bool:
        verb = sqltext.verb(self.text, self.system)
        return verb in ("SELECT", "WITH", "VALUES", "TABLE") and not sqltext.is_write(self.text, self.system)

    def is_write(self) -> bool:
        return sqltext.is_write(self.text, self.system)

    def in_chunks(self) -> bool:
        """Whether one execution asks for many rows already: a list of several values, or a page."""
        several = any("," in (found[1] or "") for found in _IN_LIST.finditer(self.main.sample))
        listed = _IN_LIST.search(self.text) is not None
        many = self.rows_each > _FEW_ROWS
        return (listed and (several or self.rows_each > 2)) or (many and sqltext.has_limit(self.text, self.system))

    def looped(self, least: int) -> tuple[int, int]:
        """Requests that ran it at least so often, and the executions in them."""
        counts: Counter[int] = Counter()
        for use in self.uses:
            counts.update(use.counts)
        often = {times: requests for times, requests in counts.items() if times >= least}
        return min(self.requests, sum(often.values())), sum(times * requests for times, requests in often.items())

    def shown(self, width: int = 70) -> str:
        """The statement as evidence cites it."""
        shown = sqltext.shortened(self.main.sample, width, self.system).replace("`", '"')
        return f"`{shown}`"


def require_timed(view: View) -> None:
    """Raises NotRunError where no probe was inside the target: only it sees statements and connections."""
    if not view.timed:
        raise NotRunError("nothing was timed inside the target")


def groups(view: View, kind: SpanKind = "sql") -> list[Group]:
    """Statements by text and deciding project line, most seconds first."""
    name = f"{kind} groups"
    known: list[Group] | None = view.notes.get(name)
    if known is not None:
        return known
    found: dict[tuple[str, str, Spot], Group] = {}
    for use in view.analysis.uses:
        if use.kind == kind:
            frame = site(view, use)
            key = (use.text, use.system, spot_of(frame))
            found.setdefault(key, Group(use.text, use.system, frame)).uses.append(use)
    view.notes[name] = ordered = sorted(found.values(), key=lambda group: (-group.seconds, group.text))
    return ordered


def spot_of(frame: Frame | None) -> Spot:
    return (frame.file, frame.function, frame.line) if frame else ("", "", 0)


def site(view: View, use: SpanUse) -> Frame | None:
    """The project frame that decided on a use, else the innermost frame of a library that does not merely carry statements,
    else of the framework (its serializer, its generic view)."""
    frames = view.analysis.stacks.expand(use.stack)[:-1]
    at = innermost(view, frames)
    if at is not None:
        return frames[deciding(view, frames, at)]
    libraries = [frame for frame in reversed(frames) if frame.origin == "library"]
    return next(
        (frame for frame in libraries if not _carries(view, frame)),
        next((frame for frame in libraries if not is_mapper(view, frame)), None),
    )


def sites(view: View) -> dict[int, Frame]:
    """By stack, the frame that decided on a statement."""
    found = {use.stack: site(view, use) for use in view.analysis.uses if use.kind == "sql"}
    return {stack: frame for stack, frame in found.items() if frame is not None}


def innermost(view: View, frames: Stack) -> int | None:
    """The index of the innermost project frame of the handler; a comprehension belongs to the function around it."""
    for at in range(len(frames) - 1, view.handled(frames) - 1, -1):
        part = short_name(frames[at].function) in COMPREHENSIONS and at > 0 and frames[at - 1].file == frames[at].file
        if not part and _is_own(view, frames[at]):
            return at
    return None


def deciding(view: View, frames: Stack, at: int) -> int:
    """The index of the frame that decided on what the project frame at `at` executes: that one, or the one that handed it the
    statement (`def query(sql): return connection.execute(sql)`)."""
    inner, decides = "", at
    while _passes_on(view, frames[decides], inner):
        below = innermost(view, frames[:decides])
        if below is None:
            return at
        inner, decides = short_name(frames[decides].function), below
    return decides


def _passes_on(view: View, frame: Frame, inner: str) -> bool:
    """Whether a line executes (or gives to the function `inner`) what its own function was given, as the source shows, or as
    the statements of its callers do."""
    if (frame.file, frame.function) in carriers(view):
        return True
    known: dict[tuple[Frame, str], bool] = view.notes.setdefault("lines that pass statements on", {})
    if (frame, inner) not in known:
        source = view.lines.function(frame.file, frame.line)
        known[frame, inner] = source is not None and passes_on(source, frame.line, {inner} if inner else EXECUTING)
    return known[frame, inner]


def project_frames(view: View, use: SpanUse) -> list[Frame]:
    """The project's frames of a use, innermost first, comprehensions included."""
    frames = view.analysis.stacks.expand(use.stack)[:-1]
    return [frame for frame in reversed(frames) if _is_own(view, frame)]


def _is_own(view: View, frame: Frame) -> bool:
    """Whether a frame is the project's. A mapper never stands in for it, though awaited code may show nothing else."""
    return view.is_project(frame) and not is_mapper(view, frame)


def _carries(view: View, frame: Frame) -> bool:
    name = (view.distribution(frame)[0] or "").lower()
    return name in MAPPERS or is_plumbing(name)


def is_mapper(view: View, frame: Frame) -> bool:
    """Whether a frame belongs to a library that turns rows into objects, or to a driver."""
    if frame.origin == "app":
        return False
    name = (view.distribution(frame)[0] or "").lower()
    if name == "django":
        return "/django/db/" in frame.file
    return name in MAPPERS or frame.file.endswith("/sqlite3/__init__.py")


def parent_rows(view: View, use: SpanUse) -> float | None:
    """Rows that the parent of a use gave. Those read one by one are known only when the last one is read, after the child's
    first execution: then the parent's own use tells."""
    if use.parent is None or use.parent_rows:
        return use.parent_rows
    same = [other for other in view.analysis.uses if other.text == use.parent and other.endpoint == use.endpoint]
    rows = sum(other.rows or 0 for other in same)
    return rows / max(1, sum(other.count for other in same)) if rows else use.parent_rows


def parent_group(view: View, text: str, endpoints: Iterable[str | None]) -> Group | None:
    """The group of a parent's text on one of these endpoints."""
    known = set(endpoints)
    return next((g for g in groups(view) if g.text == text and any(use.endpoint in known for use in g.uses)), None)


def library(view: View, group: Group) -> str:
    """What issues the statements: `django`, `sqlalchemy` (its mapper), `peewee`, or empty for plain SQL."""
    for use in group.uses:
        for frame in view.analysis.stacks.expand(use.stack)[:-1]:
            if frame.origin == "app":
                continue
            if any(part in frame.file for part in ("/django/db/models/", "/django/shortcuts.py", "/rest_framework/")):
                return "django"
            if "/sqlalchemy/orm/" in frame.file or "/flask_sqlalchemy/" in frame.file:
                return "sqlalchemy"
            if frame.file.endswith("/peewee.py"):
                return "peewee"
    return ""
