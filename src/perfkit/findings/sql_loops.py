"""Loops that run a statement for each element: groups of uses come in, loops with what speaks for them go out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from perfkit.findings.interface import View
from perfkit.findings.sql_source import InLoop, loop_around, sleeps_around
from perfkit.findings.sql_uses import Group, groups, parent_rows
from perfkit.model.recording import Frame

LEAST: Final = 5
# Where neither a parent's rows nor a loop in the source speaks for it.
LEAST_UNSUPPORTED: Final = 10
# A script is one long request: what it does twenty times may be its whole work.
LEAST_SCRIPT: Final = 20
_NEAR_LINES = 10


@dataclass
class Looped:
    """A statement that runs many times in a request. `least` is how many times make a loop of it, `requests` those that do,
    `per_request` the executions in one of them."""

    group: Group
    least: int
    requests: int
    per_request: float
    around: InLoop | None
    varied: float
    parent: tuple[str, float] | None

    @property
    def frame(self) -> Frame | None:
        return self.around.frame if self.around is not None else self.group.where

    @property
    def everywhere(self) -> float:
        """Share of the requests that run the statement at all."""
        return self.requests / max(1, self.group.requests)


@dataclass
class SqlLoop:
    """Statements that one loop runs equally often."""

    members: list[Looped] = field(default_factory=list)

    @property
    def first(self) -> Looped:
        return self.members[0]

    @property
    def groups(self) -> list[Group]:
        return [member.group for member in self.members]

    @property
    def seconds(self) -> float:
        return sum(group.seconds for group in self.groups)

    @cached_property
    def parent(self) -> tuple[str, float] | None:
        """The statement before the loop and the rows it gave, where those fit the number of executions."""
        return next((member.parent for member in self.members if self._follows(member)), None)

    def _follows(self, member: Looped) -> bool:
        own = {group.text for group in self.groups}
        found = member.parent
        return found is not None and found[0] not in own and fits(found[1], member.per_request)

    def ordered(self) -> SqlLoop:
        """The same with the statement first that runs first."""
        return SqlLoop(sorted(self.members, key=lambda member: (not self._follows(member), -member.group.seconds)))


def fits(rows: float, executions: float) -> bool:
    """Whether so many rows explain so many executions: one each, or fewer where equal ones were kept."""
    return rows >= 2 and 0.3 * rows <= executions <= 1.1 * rows + 1


def read_loops(view: View) -> list[SqlLoop]:
    """Loops that read with different parameters, most seconds first."""
    known: list[SqlLoop] | None = view.notes.get("read loops")
    if known is not None:
        return known
    loops: list[SqlLoop] = []
    for group in groups(view):
        member = _looped(view, group) if group.is_read() and not group.in_chunks() else None
        if member is None:
            continue
        loop = next((loop for loop in loops if together(loop.first, member)), None)
        if loop is None:
            loops.append(SqlLoop([member]))
        else:
            loop.members.append(member)
    loops = [loop.ordered() for loop in loops if _is_convincing(view, loop)]
    view.notes["read loops"] = loops = sorted(loops, key=lambda loop: -loop.seconds)
    return loops


def _looped(view: View, group: Group) -> Looped | None:
    least = LEAST_SCRIPT if view.analysis.kind == "script" else LEAST
    requests, executions = group.looped(least)
    several, _ = group.looped(2)
    if not requests or requests < 0.5 * several:
        return None
    if executions - group.repeats < 0.8 * least * requests:
        return None  # few parameters again and again
    rows = parent_rows(view, group.main)
    parent = (group.main.parent, rows) if group.main.parent is not None and rows is not None else None
    varied = 1.0 - group.repeats / group.count
    return Looped(group, least, requests, executions / requests, loop_around(view, group.main), varied, parent)


def together(one: Looped, other: Looped) -> bool:
    """Whether two statements run in the same loop: the same function, neighbouring lines, as often in as many requests."""
    a, b = one.frame, other.frame
    if a is None or b is None or (a.file, a.function) != (b.file, b.function):
        return False
    near = abs(a.line - b.line) <= _NEAR_LINES
    often = abs(one.per_request - other.per_request) <= 0.1 * max(one.per_request, other.per_request)
    return near and often and abs(one.requests - other.requests) <= 0.1 * max(one.requests, other.requests)


def _is_convincing(view: View, loop: SqlLoop) -> bool:
    """A number of executions alone says little: a parent's rows or a loop in the source speak for it, else more of them do.
    A script needs one of the two, and must not be one that looks again and again."""
    supported = loop.parent is not None or any(member.around is not None for member in loop.members)
    if view.analysis.kind == "script":
        return supported and not sleeps_around(view, loop.first.group.main)
    return supported or loop.first.per_request >= LEAST_UNSUPPORTED
