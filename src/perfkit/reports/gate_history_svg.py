"""Reports room: series over commits as one SVG picture: a panel a unit, a line of values, a mark with its commit at each change.

Self-contained: no script, no font and no address from elsewhere; light and dark by the reader's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from perfkit.model.gate import WHOLE, Series
from perfkit.reports.gate_history import level_after, level_before
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import visible
from perfkit.shared import units

_WIDTH, _PANEL = 860, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 16, 34, 26
_NAME, _SUBJECT = 90, 48
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 } .name { font-weight: 600 } .small { font-size: 11px; fill: #666 }
.line { fill: none; stroke: #2a6fb0; stroke-width: 1.6 } .dot { fill: #2a6fb0 } .grid { stroke: #ddd }
.up { fill: #b3261e } .down { fill: #1a6e3c } .back { fill: #fff }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .small { fill: #aaa } .grid { stroke: #444 } .back { fill: #16181c }
.line { stroke: #7db4e8 } .dot { fill: #7db4e8 } .up { fill: #ff8a80 } .down { fill: #81c995 } }
"""


def render(found: Sequence[Series], options: RenderOptions) -> str:
    height = _PANEL * len(found)
    panels = "".join(_panel(one, number * _PANEL) for number, one in enumerate(found))
    title = f"{found[0].metric} over {len(found[0].points)} commits" if found else "no commits"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label={quoteattr(title)}>'
        f'<style>{_STYLE}</style><rect class="back" width="{_WIDTH}" height="{height}"/>{panels}</svg>\n'
    )


def _panel(series: Series, top: int) -> str:
    values = [point.value for point in series.points]
    low, high = min(0.0, *values), max(values) or 1.0
    across = (_WIDTH - _LEFT - _RIGHT) / max(1, len(values) - 1)
    inside = _PANEL - _TOP - _BOTTOM
    per = "" if series.unit == WHOLE else " per repeat"

    def at(number: int, value: float) -> tuple[float, float]:
        return _LEFT + number * across, top + _TOP + inside * (1 - (value - low) / (high - low))

    parts = [
        f'<text class="name" x="12" y="{top + 20}">{_text(series.unit, _NAME)} · {_text(series.metric, 20)}{per}</text>'
    ]
    for value in (low, high):
        y = at(0, value)[1]
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke-width="1"/>')
        parts.append(
            f'<text class="small" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_shown(series.metric, value)}</text>'
        )
    parts.append(
        f'<path class="line" d="{_path([at(n, value) for n, value in enumerate(values)], series.metric != "cpu")}"/>'
    )
    for number, point in enumerate(series.points):
        x, y = at(number, point.value)
        label = f"{point.commit[:9]} {point.subject}: {_shown(series.metric, point.value)}"
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.4"><title>{_text(label, 200)}</title></circle>'
        )
    parts += [_mark(series, change, *at(change, values[change]), top) for change in series.changes]
    ends = ((0, "start"), (len(values) - 1, "end"))
    for number, anchor in ends if len(values) > 1 else ends[:1]:
        x = at(number, 0)[0]
        commit = _text(series.points[number].commit[:9], 9)
        parts.append(f'<text class="small" x="{x:.1f}" y="{top + _PANEL - 8}" text-anchor="{anchor}">{commit}</text>')
    return "".join(parts)


def _mark(series: Series, change: int, x: float, y: float, top: int) -> str:
    """A triangle with what it changed by and the commit; its words stand where there is room."""
    before, after = level_before(series, change), level_after(series, change)
    kind = "up" if after > before else "down"
    shape = f"M{x - 5:.1f} {y - 6:.1f}h10l-5 -8z" if kind == "up" else f"M{x - 5:.1f} {y + 6:.1f}h10l-5 8z"
    said = f"{_shown(series.metric, before)} → {_shown(series.metric, after)}  {series.points[change].commit[:9]} {series.points[change].subject}"
    anchor, shift = ("end", -9) if x > _WIDTH / 2 else ("start", 9)
    words_at = y - 8 if y - top > _TOP + 22 else y + 16
    return (
        f'<path class="{kind}" d="{shape}"><title>{_text(said, 200)}</title></path>'
        f'<text class="small" x="{x + shift:.1f}" y="{words_at:.1f}" text-anchor="{anchor}">{_text(said, _SUBJECT)}</text>'
    )


def _path(points: Sequence[tuple[float, float]], stairs: bool) -> str:
    """A count stays until it changes; between two measured values a straight line."""
    found = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for x, y in points[1:]:
        found += f"H{x:.1f}V{y:.1f}" if stairs else f"L{x:.1f} {y:.1f}"
    return found


def _shown(metric: str, value: float) -> str:
    return units.seconds(value) if metric == "cpu" else f"{value:.4g}"


def _text(text: str, most: int) -> str:
    """Untrusted: shown as it is, and no markup."""
    shown = visible(" ".join(text.split()))
    return escape(shown if len(shown) <= most else shown[: most - 1] + "…")
