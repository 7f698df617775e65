"""HTML report: what a database's log says comes in, the section on it goes out: when, by whom, what was not understood."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from perfkit.model.analysis import Analysis
from perfkit.model.sqllog import Histogram, SqlLog
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.queries import queries
from perfkit.shared import units

_WIDTH, _HEIGHT = 960, 64
_MOST = 8


def log(analysis: Analysis) -> str:
    """Empty where no log was read."""
    found = analysis.log
    if found is None:
        return ""
    return section(
        "log", "Log", _about(found), _over_time(found.over_time), _who(analysis), _errors(found), _unparsed(found)
    )


def _about(log: SqlLog) -> str:
    names = [name for name, _ in log.files]
    files = code(names[0]) if len(names) == 1 else f"{units.count(len(names))} files"
    parts = [
        files,
        units.size(sum(size for _, size in log.files)),
        text(", ".join(log.formats)),
        f"{units.count(log.events)} executions of {units.plural(len(log.digests), 'statement')}",
    ]
    if log.first is not None and log.last is not None:
        parts.append(f"{_moment(log.first)} to {_moment(log.last)} UTC")
    return f'<p class="quiet">{" · ".join(parts)}</p>'


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y %H:%M:%S")


def _over_time(found: Histogram) -> str:
    """Bars of the seconds that the database worked; a title on each says when and how many."""
    if len(found.counts) < 2:
        return ""
    first, last = min(found.counts), max(found.counts)
    most = max(found.micros.values()) or max(found.counts.values())
    timed = max(found.micros.values()) > 0
    step = _WIDTH / (last - first + 1)
    bars = []
    for bucket, count in sorted(found.counts.items()):
        value = found.micros.get(bucket, 0) if timed else count
        height = max(1.0, value / most * _HEIGHT)
        x, y, width = (bucket - first) * step, _HEIGHT - height, max(0.5, step - (1 if step > 3 else 0))
        title = f"{_moment(bucket * found.width)}: {units.plural(count, 'execution')}"
        title += f", {units.seconds(value / 1e6)}" if timed else ""
        bars.append(
            f'<rect class="bar-of-time" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}">'
            f"<title>{text(title)}</title></rect>"
        )
    what = "Database time" if timed else "Executions"
    caption = f"{what} by {_stretch(found.width)}"
    return (
        f"<h3>{caption}</h3>\n"
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{caption}, at most {units.seconds(most / 1e6) if timed else units.count(most)}">{"".join(bars)}</svg>\n'
        f'<p class="quiet ends"><span>{_moment(first * found.width)}</span>'
        f"<span>{_moment((last + 1) * found.width)}</span></p>"
    )


def _stretch(width: int) -> str:
    if width < 3600:
        return "minute" if width == 60 else f"{width // 60} minutes"
    return f"{width / 3600:.3g} hours"


def _who(analysis: Analysis) -> str:
    """Users, databases, applications and hosts by the executions that they sent."""
    columns: list[tuple[str, dict[str, int]]] = []
    for title, name in (
        ("User", "users"),
        ("Database", "databases"),
        ("Application", "applications"),
        ("Host", "hosts"),
    ):
        counts: dict[str, int] = {}
        for query in queries(analysis):
            for who, count in (getattr(query.digest, name) if query.digest else {}).items():
                counts[who] = counts.get(who, 0) + count
        if any(counts):
            columns.append((title, counts))
    parts = [_counted(title, counts, "Executions") for title, counts in columns]
    return f'<div class="side-by-side">{"".join(parts)}</div>' if parts else ""


def _counted(title: str, counts: Mapping[str, int], what: str) -> str:
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    cells = [[code(name or "(none)"), units.count(count)] for name, count in rows[:_MOST]]
    more = f'<p class="quiet">and {len(rows) - _MOST} more</p>' if len(rows) > _MOST else ""
    return f"<div>{table(title, [Column(title), Column(what, number=True)], cells)}{more}</div>"


def _errors(log: SqlLog) -> str:
    return f"<h3>Errors</h3>\n{_counted('Error', log.errors, 'Times')}" if log.errors else ""


def _unparsed(log: SqlLog) -> str:
    if not log.unparsed:
        return ""
    examples = "\n".join(f"<li>{code(example)}</li>" for example in log.examples)
    share = units.share(log.unparsed / max(1, log.lines))
    said = f"{units.plural(log.unparsed, 'line')} of {units.count(log.lines)} ({share}) were not understood, the first of them:"
    return f'<h3>Not understood</h3>\n<p>{said}</p>\n<ul class="examples">{examples}</ul>'
