"""Reports room: series over commits, as text for the terminal: each commit that changed something, and the span in between."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.gate import Point, Series
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import ascii_only, visible
from perfkit.shared import units

_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 60


def render(found: Sequence[Series], options: RenderOptions) -> str:
    clean = visible if options.unicode else ascii_only
    lines: list[str] = []
    for one in found:
        lines += [*([""] if lines else []), *_one(one, options.unicode)]
    return "".join(clean(line) + "\n" for line in lines)


def _one(series: Series, unicode: bool) -> list[str]:
    values = [point.value for point in series.points]
    head = f"{series.unit}  {series.metric}  {_shown(series.metric, values[-1])}"
    if unicode and len(set(values)) > 1:
        head += f"  {_bars(values[-_WIDEST:])}"
    lines = [head]
    if not series.changes:
        return [*lines, f"  unchanged over {units.plural(len(values), 'commit')}"]
    for at in series.changes:
        lines.append(f"  {_change(series, at)}  {_commit(series.points[at])}")
    return lines


def _change(series: Series, at: int) -> str:
    """Of seconds the medians of both pieces."""
    before, after = level_before(series, at), level_after(series, at)
    share = f" ({units.change(after / before - 1)})" if before else ""
    return f"{_shown(series.metric, before)} → {_shown(series.metric, after)}{share}"


def level_before(series: Series, at: int) -> float:
    begin = max((other for other in series.changes if other < at), default=0)
    return _middle([point.value for point in series.points[begin:at]])


def level_after(series: Series, at: int) -> float:
    end = min((other for other in series.changes if other > at), default=len(series.points))
    return _middle([point.value for point in series.points[at:end]])


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _shown(metric: str, value: float) -> str:
    return units.seconds(value) if metric == "cpu" else f"{value:.4g}"


def _commit(point: Point) -> str:
    return f"{point.commit[:9]} {point.subject}"


def _bars(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return "".join(
        _BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] if high > low else _BARS[0] for value in values
    )
