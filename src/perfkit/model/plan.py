"""A database's plan for a statement, and what could be found out about the indexes that would help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

# generic: planned for no value in particular; literal: the statement's text has its values in it.
Parameters = Literal["given", "generic", "literal", "none"]
PlanSource = Literal["explain", "log", "file"]


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step. Rows are of one loop; `seconds` of all loops with everything below it, None where it was not run.

    `kind` is the database's own word (Seq Scan, ALL, SCAN). `conditions` are (what for, text): index, filter, join, sort, group,
    recheck; `removed` the rows that filters threw away, of one loop. `spilled` is bytes written to disk, `cost` the planner's
    units with everything below. `facts` are further words to show (`Heap Fetches: 12`).
    """

    kind: str
    relation: str | None = None
    schema: str | None = None
    alias: str | None = None
    index: str | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    estimated_rows: float | None = None
    rows: float | None = None
    loops: float = 1.0
    startup_cost: float | None = None
    cost: float | None = None
    seconds: float | None = None
    removed: float | None = None
    examined: float | None = None
    spilled: int | None = None
    width: int | None = None
    facts: tuple[str, ...] = ()
    children: tuple[PlanNode, ...] = ()

    def walk(self, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], PlanNode]]:
        """Each node with its path from here: the numbers of the children on the way. Parents first."""
        yield path, self
        for number, child in enumerate(self.children):
            yield from child.walk((*path, number))

    def at(self, path: tuple[int, ...]) -> PlanNode:
        """The node that `walk` gave with this path."""
        return self.children[path[0]].at(path[1:]) if path else self

    @property
    def own_cost(self) -> float | None:
        """Without what is below it, never negative."""
        if self.cost is None:
            return None
        return max(0.0, self.cost - sum(child.cost or 0.0 for child in self.children))

    @property
    def own_seconds(self) -> float | None:
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - sum(child.seconds or 0.0 for child in self.children))


@dataclass(frozen=True, slots=True)
class Index:
    """An existing index. `columns` in their order, expressions as text; `scans` since the statistics began, None unknown."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    primary: bool = False
    partial: str | None = None
    method: str = "btree"
    bytes: int | None = None
    scans: int | None = None
    valid: bool = True


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """An index that would help. `ddl` is printed, never executed. `verified` names what tried it (hypopg, a copy in memory), None
    where nothing did; costs are in the planner's units, before and after, where it was tried.

    `writes` says what it costs to keep, `bytes` the estimated size. `replaces` are existing indexes that it makes redundant.
    """

    table: str
    columns: tuple[str, ...]
    ddl: str
    reason: str
    verified: str | None = None
    cost_before: float | None = None
    cost_after: float | None = None
    bytes: int | None = None
    writes: str = ""
    replaces: tuple[str, ...] = ()
    node: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RedundantIndex:
    """`index` does nothing that `covered_by` does not do as well; `ddl` would drop it."""

    index: Index
    covered_by: str
    ddl: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`raw` is the database's own answer, for other viewers, as JSON or text. `fingerprint` ties it to the statement's digests and
    spans. `analyzed` says that the statement was run. `tables` are estimated rows by name, where they are known."""

    system: str
    version: str
    fingerprint: str
    text: str
    root: PlanNode
    raw: str
    analyzed: bool = False
    parameters: Parameters = "none"
    source: PlanSource = "explain"
    planning_seconds: float | None = None
    execution_seconds: float | None = None
    tables: Mapping[str, int] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    advice: tuple[IndexAdvice, ...] = ()
    redundant: tuple[RedundantIndex, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """A statement without a plan: `why` is one line, `remedy` what to do."""

    fingerprint: str
    text: str
    why: str
    remedy: str
