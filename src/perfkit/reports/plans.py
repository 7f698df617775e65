"""Reports room: a plan comes in, the lines of its tree go out: what each step does, what it costs alone, what stands out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perfkit.model.plan import IndexAdvice, Plan, PlanNode
from perfkit.shared import planbadges, units

_MOST_FACTS = 3
_PARAMETERS = {"generic": "for any value", "given": "for the logged values", "literal": "for the values in it"}


@dataclass(frozen=True, slots=True)
class Line:
    """One step. `share` is of the whole plan's time, or of its cost where it was not run; `own` says which, with its unit. `badges`
    are words on what stands out, `conditions` what it compares."""

    depth: int
    what: str
    own: str
    share: float | None
    rows: str
    conditions: tuple[str, ...]
    badges: tuple[str, ...]

    def text(self) -> str:
        """On one line, indented."""
        parts = [f"{'  ' * self.depth}{self.what}", self.own, self.rows, *self.badges]
        return "  ".join(part for part in parts if part)


def tree(plan: Plan) -> list[Line]:
    """Parents first."""
    badges: dict[tuple[int, ...], list[str]] = {}
    for badge in planbadges.badges(plan):
        badges.setdefault(badge.node, []).append(badge.text)
    return list(_lines(plan, badges))


def _lines(plan: Plan, badges: dict[tuple[int, ...], list[str]]) -> Iterator[Line]:
    timed = plan.root.seconds is not None
    whole = plan.root.seconds if timed else plan.root.cost
    paid = _paid(plan.root)
    for path, node in plan.root.walk():
        own = node.own_seconds if timed else None if node.cost is None else paid[path] - _below(path, node, paid)
        yield Line(
            depth=len(path),
            what=_what(node),
            own="" if own is None else units.seconds(own) if timed else f"cost {max(0.0, own):,.0f}",
            share=max(0.0, own) / whole if own is not None and whole else None,
            rows=_rows(node),
            conditions=(*(f"{kind}: {text}" for kind, text in node.conditions), *node.facts[:_MOST_FACTS]),
            badges=tuple(badges.get(path, ())),
        )


def _paid(root: PlanNode) -> dict[tuple[int, ...], float]:
    """By path, what of a step's cost the whole plan pays: below a LIMIT, which stops early, only the part that is asked for."""
    paid: dict[tuple[int, ...], float] = {(): root.cost or 0.0}
    scales: dict[tuple[int, ...], float] = {(): 1.0}
    for path, node in root.walk():
        if not path:
            continue
        around, most = scales[path[:-1]], paid[path[:-1]]
        cost = (node.cost or 0.0) * around
        scale = around if cost <= most or not cost else around * most / cost
        scales[path], paid[path] = scale, (node.cost or 0.0) * scale
    return paid


def _below(path: tuple[int, ...], node: PlanNode, paid: dict[tuple[int, ...], float]) -> float:
    return sum(paid[(*path, number)] for number in range(len(node.children)))


def _what(node: PlanNode) -> str:
    """`Index Scan using orders_pkey on orders o`."""
    using = f" using {node.index}" if node.index else ""
    table = f" on {node.schema}.{node.relation}" if node.schema and node.relation else f" on {node.relation}"
    alias = f" {node.alias}" if node.alias and node.alias != node.relation else ""
    return f"{node.kind}{using}{table if node.relation else ''}{alias}"


def _rows(node: PlanNode) -> str:
    """`12 rows × 60, 1,000 expected`."""
    if node.rows is None:
        return "" if node.estimated_rows is None else f"{units.count(node.estimated_rows)} rows expected"
    loops = f" × {units.count(node.loops)}" if node.loops > 1 else ""
    expected = "" if node.estimated_rows is None else f", {units.count(node.estimated_rows)} expected"
    return f"{units.count(node.rows)} rows{loops}{expected}"


def circumstances(plan: Plan) -> list[str]:
    """Whether it was run, for which values, and what it took or costs."""
    parts = ["run and timed" if plan.analyzed else "planned, not run"]
    parts += [_PARAMETERS[plan.parameters]] if plan.parameters in _PARAMETERS else []
    if plan.execution_seconds is not None:
        parts.append(f"took {units.seconds(plan.execution_seconds)}")
    elif plan.root.cost is not None:
        parts.append(f"cost {plan.root.cost:,.0f}")
    return parts


def advice_facts(advice: IndexAdvice) -> list[str]:
    """Why, what tried it, and what it costs to have it."""
    tried = f"tried with {advice.verified}" if advice.verified else "not tried"
    if advice.verified and advice.cost_before is not None and advice.cost_after is not None:
        tried += f": cost {advice.cost_before:,.0f} → {advice.cost_after:,.0f}"
    facts = [advice.reason, tried]
    if advice.bytes is not None:
        facts.append(f"about {units.size(advice.bytes)}")
    facts += [advice.writes] if advice.writes else []
    return [*facts, f"replaces {', '.join(advice.replaces)}"] if advice.replaces else facts
