"""HTML report: what changed comes in, tables and bars go out; shared by the difference of two recordings and a gate's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from perfkit.model.difference import Per
from perfkit.model.gate import FunctionChange
from perfkit.reports import phrases
from perfkit.reports.html.difference_flame import PER
from perfkit.reports.html.markup import Column, code, table, text
from perfkit.shared import units

FUNCTIONS = 25
_WIDE, _HIGH = 200, 20


def functions(changes: Sequence[FunctionChange], within_noise: int, per: Per, of: str = "") -> str:
    """The first 25 of what slowed down or sped up by more than chance, by how much; `of` names the one endpoint that it is of."""
    title = f"Time{PER[per]} by function{f', {of}' if of else ''}"
    heading = f"<h3>{text(title)}</h3>"
    rest = f"{units.plural(within_noise, 'other function')} did not change by more than chance."
    note = f'<p class="quiet">{rest}</p>' if within_noise else ""
    if not changes:
        return f"{heading}\n<p>No function of the project changed by more than chance.</p>{note}"
    shown = sorted(changes, key=lambda one: -abs(one.current - one.baseline))[:FUNCTIONS]
    reach = max(abs(one.current - one.baseline) + one.error for one in shown)
    columns = [
        Column("Function"),
        Column("Change", number=True),
        Column("With its 95% interval"),
        Column("Between", number=True),
        Column("Before", number=True),
        Column("After", number=True),
        Column("Where"),
    ]
    more = f'<p class="quiet">And {len(changes) - FUNCTIONS} more.</p>' if len(changes) > FUNCTIONS else ""
    return f"{heading}\n{table(title, columns, [_function(one, reach) for one in shown])}\n{more}{note}"


def _function(one: FunctionChange, reach: float) -> list[str]:
    """Its file is below its own side's folder: that of a baseline may be gone."""
    change = one.current - one.baseline
    low, high = change - one.error, change + one.error
    return [
        code(phrases.call(one.function)),
        moved(change, f"{signed(change)}{_news(one)}"),
        bar(change, low, high, reach, "slower" if change > 0 else "faster"),
        text(f"{signed(low)} … {signed(high)}"),
        units.seconds(one.baseline),
        units.seconds(one.current),
        code(f"{one.file}:{one.where.line}" if one.where is not None else one.file),
    ]


def _news(one: FunctionChange) -> str:
    return ", new" if not one.baseline else ", gone" if not one.current else ""


def signed(seconds: float) -> str:
    """`+1.2 ms`, `−0.4 ms`."""
    return ("−" if seconds < 0 else "+") + units.seconds(abs(seconds))


def moved(change: float, words: str) -> str:
    """Words in the colour of a change for the worse or the better; the sign says it as well."""
    kind = "moved-up" if change > 0 else "moved-down"
    return f'<span class="{kind}">{text(words)}</span>'


def bar(change: float, low: float, high: float, reach: float, kind: str) -> str:
    """From nothing in the middle to the change, with a whisker over its interval; `reach` is what half of the width stands for."""
    if not reach or not isfinite(change) or not isfinite(reach):
        return ""
    low, high = (value if isfinite(value) else side * reach for value, side in ((low, -1), (high, 1)))
    zero, at, left, right = (_WIDE / 2 * (1 + max(-1.0, min(1.0, value / reach))) for value in (0.0, change, low, high))
    parts = [
        _rect(f"change-{kind}", min(zero, at), abs(at - zero), 4, _HIGH - 8),
        _rect("change-zero", zero - 0.5, 1, 0, _HIGH),
        _rect("change-whisker", left, right - left, _HIGH / 2 - 1, 2),
        _rect("change-whisker", left, 1.5, _HIGH / 2 - 4, 8),
        _rect("change-whisker", right - 1.5, 1.5, _HIGH / 2 - 4, 8),
    ]
    return f'<svg class="change" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'


def _rect(kind: str, x: float, width: float, y: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}"/>'
