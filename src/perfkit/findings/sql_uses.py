"""Questions that the SQL rules ask of statements: uses of one statement at one place, with what they cost in all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfkit.findings.interface import View, place
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Place
from perfkit.model.recording import Frame
from perfkit.shared import sqltext
from perfkit.shared.frameworks import is_plumbing

# Packages whose frames between a project's line and the driver do nothing but make, send and read one statement.
MAPPERS = ("sqlalchemy", "django", "psycopg", "psycopg2", "pymysql", "mysqlclient", "asyncpg", "aiosqlite", "peewee")


@dataclass
class Group:
    """One statement at one project line, over all endpoints that pass there."""

    text: str
    system: str
    where: Frame | None
    uses: list[SpanUse] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(use.count for use in self.uses)

    @property
    def seconds(self) -> float:
        return sum(use.seconds for use in self.uses)

    @property
    def requests(self) -> int:
        return sum(use.requests for use in self.uses)

    @property
    def repeats(self) -> int:
        return sum(use.repeats for use in self.uses)

    @property
    def rows(self) -> int | None:
        known = [use.rows for use in self.uses if use.rows is not None]
        return sum(known) if known else None

    @property
    def place(self) -> Place | None:
        return None if self.where is None else place(self.where)

    def looped(self, least: int) -> tuple[int, int]:
        """Requests that ran it at least so often, and the executions in them."""
        counts: Counter[int] = Counter()
        for use in self.uses:
            counts.update(use.counts)
        often = {times: requests for times, requests in counts.items() if times >= least}
        return sum(often.values()), sum(times * requests for times, requests in often.items())

    def parent(self) -> tuple[str, float] | None:
        """The statement that most often ran just before, with the rows it gave."""
        found = max(self.uses, key=lambda use: use.count)
        return (found.parent, found.parent_rows or 0.0) if found.parent is not None else None


def groups(view: View, kind: str = "sql") -> list[Group]:
    """Statements by text and deciding project line, most seconds first."""
    found: dict[tuple[str, str, str, int], Group] = {}
    for use in view.analysis.uses:
        if use.kind != kind:
            continue
        frame = site(view, use)
        spot = (frame.file, frame.function, frame.line) if frame else ("", "", 0)
        group = found.setdefault((use.text, *spot), Group(use.text, use.system, frame))
        group.uses.append(use)
    return sorted(found.values(), key=lambda group: -group.seconds)


def site(view: View, use: SpanUse) -> Frame | None:
    """The innermost project frame of a use, else the innermost frame of a library that does not merely carry statements."""
    frames = view.analysis.stacks.expand(use.stack)[:-1]
    own = next((frame for frame in reversed(frames) if view.is_project(frame)), None)
    if own is not None:
        return own
    return next(
        (f for f in reversed(frames) if f.origin == "library" and not carries(view, f)),
        None,
    )


def carries(view: View, frame: Frame) -> bool:
    name = (view.distribution(frame)[0] or "").lower()
    return name in MAPPERS or is_plumbing(name)


def claim_of(view: View, group: Group) -> dict[int, float]:
    """The group's own seconds, and the sampled ones that its line spends in the mapper and the driver to make, send and read
    the statement: in proportion, where the same line runs several statements."""
    claim = {use.stack: 1.0 for use in group.uses}
    if group.where is None:
        return claim
    spot = (group.where.file, group.where.function, group.where.line)
    share = group.count / max(1, _at_line(view)[spot])
    for stack in _mapping(view)[spot]:
        claim[stack] = min(1.0, share)
    return claim


def _at_line(view: View) -> Counter[tuple[str, str, int]]:
    """Executions by line."""
    found = view.notes.get("statements at line")
    if found is None:
        found = Counter()
        for use in view.analysis.uses:
            frame = site(view, use) if use.kind == "sql" else None
            if frame is not None:
                found[frame.file, frame.function, frame.line] += use.count
        view.notes["statements at line"] = found
    return found


def _mapping(view: View) -> defaultdict[tuple[str, str, int], list[int]]:
    """Sampled stacks that work for a statement, by the project line that asked for it."""
    found = view.notes.get("stacks in mappers")
    if found is None:
        found = defaultdict(list)
        for time in view.code:
            frames = view.inner(time)
            index = next((i for i in range(len(frames) - 1, -1, -1) if view.is_project(frames[i])), None)
            if index is None or index + 1 >= len(frames):
                continue
            called = frames[index + 1]
            if is_mapper(view, called) or called.file.endswith("sqlite3/__init__.py"):
                frame = frames[index]
                found[frame.file, frame.function, frame.line].append(time.stack)
        view.notes["stacks in mappers"] = found
    return found


def is_mapper(view: View, frame: Frame) -> bool:
    """Whether a frame belongs to a library that turns rows into objects, or to a driver."""
    name = (view.distribution(frame)[0] or "").lower()
    if name == "django":
        return "/django/db/" in frame.file
    return name in MAPPERS


def title_of(text: str, system: str, width: int = 60) -> str:
    return sqltext.shortened(text, width, system)


def table_of(text: str, system: str) -> str | None:
    return next(iter(sqltext.tables(text, system)), None)


def library(view: View, uses: Iterable[SpanUse]) -> str:
    """What issues the statements: django, sqlalchemy, peewee, or empty for the driver itself."""
    counts: Counter[str] = Counter()
    for use in uses:
        frames = view.analysis.stacks.expand(use.stack)
        for frame in frames:
            name = (view.distribution(frame)[0] or "").lower()
            if name in ("django", "sqlalchemy", "peewee", "tortoise-orm") or "/django/db/" in frame.file:
                counts["django" if "/django/" in frame.file else name] += use.count
    return counts.most_common(1)[0][0] if counts else ""


def loaded_late(view: View, uses: Iterable[SpanUse]) -> bool:
    """Whether a relation was loaded when it was touched, which the mapper's own frames tell."""
    return any(
        frame.file.endswith(
            ("fields/related_descriptors.py", "orm/strategies.py", "orm/attributes.py", "orm/dynamic.py")
        )
        for use in uses
        for frame in view.analysis.stacks.expand(use.stack)
    )
