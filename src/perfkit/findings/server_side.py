"""Statements as the database sees them: what its log and its plans say, on the seconds that requests or the log have of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from perfkit.findings.interface import Claim, NotRunError, View
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_uses import groups
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Evidence, Place
from perfkit.model.plan import Plan
from perfkit.model.sqllog import Digest
from perfkit.shared import planbadges, sqltext, units


@dataclass
class Statement:
    """One fingerprint, over all places that run it. `where` is the line with most of its seconds, where one is known."""

    text: str
    system: str
    where: Place | None
    digest: Digest | None
    plan: Plan | None
    uses: list[SpanUse] = field(default_factory=list)

    @cached_property
    def seconds(self) -> float:
        return sum(use.seconds for use in self.uses)

    @cached_property
    def count(self) -> int:
        return sum(use.count for use in self.uses)

    @property
    def mean(self) -> float:
        """Seconds of one execution, rows and all."""
        return sum(use.spent for use in self.uses) / max(1, self.count)

    @property
    def median(self) -> float:
        """Of one execution, until its first row."""
        return max(self.uses, key=lambda use: use.count).percentiles[0]

    @property
    def id(self) -> str:
        return sqltext.fingerprint_id(self.text)[:8]

    @property
    def table(self) -> str:
        """The outermost table without its schema; empty where there is none."""
        return next(iter(sqltext.tables(self.text, self.system)), "").rpartition(".")[2]

    @property
    def is_write(self) -> bool:
        return sqltext.is_write(self.text, self.system)

    def shown(self, width: int = 90) -> str:
        """As evidence cites it."""
        return cited(self.text, width, self.system)

    def cited(self) -> Evidence:
        """The statement itself, with how often it ran and how long it took."""
        each = f"{units.count(self.count)} × {units.seconds(self.mean)}"
        return Evidence(f"{self.shown()}: {each}.", self.mean, "seconds", n=self.count, where=self.where)

    def claim(self, view: View, part: float = 1.0) -> Claim:
        return claim_of(view, self.uses, part)


def cited(text: str, width: int, system: str) -> str:
    """A statement as prose shows it: between backticks, with none of its own."""
    shown = sqltext.shortened(text, width, system).replace("`", '"')
    return f"`{shown}`"


def require_log(view: View) -> None:
    """Raises NotRunError where no log of the database was read."""
    if view.analysis.log is None:
        raise NotRunError("no log of the database was read: perfkit sql LOG")


def require_plans(view: View) -> None:
    """Raises NotRunError where no plan was read."""
    if not view.analysis.plans:
        raise NotRunError("no query plan was read: --dsn URL")


def is_log(view: View) -> bool:
    """Whether a log is all there is: no request and no line of code."""
    return view.analysis.kind == "log"


def statements(view: View) -> list[Statement]:
    """One for each fingerprint that ran, most seconds first."""
    known: list[Statement] | None = view.notes.get("statements")
    if known is not None:
        return known
    digests = view.analysis.log.digests if view.analysis.log is not None else {}
    plans = {plan.fingerprint: plan for plan in view.analysis.plans}
    found: dict[str, Statement] = {}
    for group in groups(view):
        one = found.get(group.text)
        if one is None:
            where = group.place
            one = Statement(group.text, group.system, where, digests.get(group.text), plans.get(group.text))
            found[group.text] = one
        one.uses.extend(group.uses)
    view.notes["statements"] = ordered = sorted(found.values(), key=lambda one: (-one.seconds, one.text))
    return ordered


# Of all time: statements below it cannot carry a finding, and a log may hold a hundred thousand of them.
LEAST_SHARE: Final = 0.0005


def planned(view: View) -> Iterable[tuple[Statement, Plan]]:
    """The statements that have a plan. Raises NotRunError where none has."""
    require_plans(view)
    return [(statement, statement.plan) for statement in _weighty(view) if statement.plan is not None]


def logged(view: View) -> Iterable[tuple[Statement, Digest]]:
    """The statements that a log tells of. Raises NotRunError without one."""
    require_log(view)
    return [(statement, statement.digest) for statement in _weighty(view) if statement.digest is not None]


def _weighty(view: View) -> Iterator[Statement]:
    return (statement for statement in statements(view) if view.share(statement.seconds) >= LEAST_SHARE)


def plan_of(view: View, text: str) -> Plan | None:
    """The plan of a statement, where one was read."""
    return next((plan for plan in view.analysis.plans if plan.fingerprint == text), None)


def seen_in(plan: Plan) -> Evidence | None:
    """What stands out most in a plan, in a sentence."""
    badge = max(planbadges.badges(plan), key=lambda badge: badge.share or 0.0, default=None)
    if badge is None:
        return None
    node = plan.root.at(badge.node)
    what = f"{node.kind} on {node.relation}" if node.relation else node.kind
    return Evidence(f"Its plan: {what} {badge.text}.", badge.factor, "")


def waited(digest: Digest) -> float:
    """Seconds for which its executions waited for locks. MySQL's lock time is in each event; PostgreSQL tells of long waits one
    by one."""
    return max(digest.locked or 0, digest.lock_wait_micros) / 1e6
