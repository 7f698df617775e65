"""What happened in a test, or in a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfkit.model.finding import Place

METRICS: Final = ("queries", "rows", "connections", "commits", "external")
"""What a test can be held to; `external` are requests to other services."""


@dataclass(frozen=True, slots=True)
class StatementRuns:
    """A statement without its literals, how often it ran from a line of the project's, and the rows fetched of it."""

    text: str
    times: int
    rows: int
    where: Place | None


@dataclass(frozen=True, slots=True)
class Happened:
    """Totals by metric; statements, those that ran most often first."""

    totals: dict[str, int]
    statements: tuple[StatementRuns, ...]


@dataclass(frozen=True, slots=True)
class Above:
    """More than is allowed."""

    metric: str
    allowed: int
    counted: int
