"""HTML report: plans come in, the section with their trees goes out: what each step does, what it costs, what stands out."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.analysis import Analysis
from perfkit.model.plan import IndexAdvice, NotPlanned, Plan
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.plans import Line, advice_facts, circumstances, tree
from perfkit.reports.queries import queries
from perfkit.shared import sqltext, units

_SHORT = 100
_SOURCE = {"explain": "asked of the database", "log": "logged by the database", "file": "read from a file"}


def plans(analysis: Analysis) -> str:
    """Most seconds first; empty where no plan was asked for."""
    order = {query.fingerprint: place for place, query in enumerate(queries(analysis))}
    found = sorted(analysis.plans, key=lambda plan: (order.get(plan.fingerprint, len(order)), plan.fingerprint))
    return section("plans", "Plans", "\n".join(map(_plan, found)), _without(analysis.not_planned))


def _plan(plan: Plan) -> str:
    rows = [_row(line) for line in tree(plan)]
    what = "Time" if plan.root.seconds is not None else "Cost"
    columns = [Column("Step"), Column(f"Own {what.lower()}", number=True), Column("Share", number=True), Column("Rows")]
    title = sqltext.shortened(plan.text or plan.fingerprint, _SHORT, plan.system)
    raw = f'<details class="statement"><summary>The database\'s own answer</summary><pre><code>{_lines(plan.raw)}</code></pre></details>'
    advice = "\n".join(map(_advice, plan.advice))
    remarks = "".join(f'<p class="quiet">{text(remark)}</p>' for remark in plan.remarks)
    return f"<h3>{code(title)}</h3>\n{_about(plan)}\n{table(title, columns, rows)}\n{advice}\n{remarks}\n{raw}"


def _about(plan: Plan) -> str:
    parts = [f"{plan.system} {plan.version}".strip(), _SOURCE[plan.source], *circumstances(plan)]
    return f'<p class="quiet">{text(" · ".join(parts))}</p>'


def _row(line: Line) -> list[str]:
    depth = min(line.depth, 12)
    inside = "".join(f'<div class="condition">{code(condition)}</div>' for condition in line.conditions)
    inside += "".join(f'<div class="badge">{text(badge)}</div>' for badge in line.badges)
    return [
        f'<div class="step depth-{depth}">{code(line.what)}{inside}</div>',
        text(line.own),
        units.share(line.share) if line.share is not None else "",
        text(line.rows),
    ]


def _advice(advice: IndexAdvice) -> str:
    return f'<p class="index">{code(advice.ddl)}<br>{text("; ".join(advice_facts(advice)))}</p>'


def _without(rows: Sequence[NotPlanned]) -> str:
    if not rows:
        return ""
    items = "\n".join(
        f"<li>{code(sqltext.shortened(row.text, _SHORT))}: {text(row.why)} ({text(row.remedy)})</li>" for row in rows
    )
    return f"<h3>Without a plan</h3>\n<ul>{items}</ul>"


def _lines(raw: str) -> str:
    return "\n".join(map(text, raw.splitlines()))
