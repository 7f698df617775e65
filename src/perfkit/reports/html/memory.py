"""HTML report: what was followed of memory comes in, its section goes out: findings, a line over time, processes, what grows."""

from __future__ import annotations

from perfkit.model.finding import MemoryFinding
from perfkit.model.growth import Growing, Memory
from perfkit.model.report import Report
from perfkit.reports import memory_text, phrases
from perfkit.reports.html.markup import Column, code, definitions, section, sentence, table, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

MARKS = {"high": "▲", "medium": "■", "low": "●", "info": "·"}
_WIDTH, _HEIGHT, _LOW = 960, 120, 40
_MOST = 20


def memory(report: Report, paths: Paths) -> str:
    """Empty where memory was not followed."""
    found = report.analysis.memory
    if found is None:
        return ""
    facts = f'<p class="quiet">{text(" · ".join(memory_text.facts(report.analysis)))}</p>'
    articles = [_article(finding, position, paths) for position, finding in enumerate(report.memory)]
    return section(
        "memory",
        "Memory",
        facts,
        _over_time(found),
        *articles,
        _silenced(report),
        _processes(found),
        _growing(found, paths),
        _allocated(found, paths),
    )


def _over_time(memory: Memory) -> str:
    """All processes together, PSS where it is known, as an area."""
    points = memory.total
    if len(points) < 2:
        return ""
    begin, end = points[0][0], points[-1][0]
    most = max(used for _, used in points) or 1
    places = [
        f"{(at - begin) / (end - begin) * _WIDTH:.1f},{_HEIGHT - used / most * (_HEIGHT - 4):.1f}"
        for at, used in points
    ]
    outline = " ".join([f"0,{_HEIGHT}", *places, f"{_WIDTH},{_HEIGHT}"])
    caption = f"All processes together, at most {units.size(most)}"
    return (
        f"<h3>{caption}</h3>\n"
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{caption}, over {units.seconds(end - begin)}"><polygon class="bar-of-time" points="{outline}"/></svg>\n'
        f'<p class="quiet ends"><span>{begin:.0f} s</span><span>{end:.0f} s</span></p>\n' + _requests(memory)
    )


def _requests(memory: Memory) -> str:
    """On the same seconds as the memory above them."""
    most = max((n for _, n in memory.requests), default=0)
    if not most:
        return ""
    width = _WIDTH / len(memory.requests)
    bars = "".join(
        f'<rect class="bar-of-time" x="{i * width:.1f}" y="{_LOW - n / most * _LOW:.1f}" width="{max(1.0, width - 1):.1f}" '
        f'height="{n / most * _LOW:.1f}"/>'
        for i, (_, n) in enumerate(memory.requests)
        if n
    )
    stretch = memory.requests[1][0] - memory.requests[0][0] if len(memory.requests) > 1 else 1.0
    caption = f"Requests meanwhile, at most {units.count(most)} in {units.seconds(stretch)}"
    return (
        f'<p class="quiet">{caption}</p>\n<svg class="histogram" viewBox="0 0 {_WIDTH} {_LOW}" preserveAspectRatio="none" '
        f'role="img" aria-label="{caption}">{bars}</svg>'
    )


def _article(finding: MemoryFinding, position: int, paths: Paths) -> str:
    severity = finding.severity
    summary = (
        f'<summary><span class="mark {severity}" aria-hidden="true">{MARKS[severity]}</span>'
        f'<h3><span class="unseen">{finding.rank}, {severity}: </span>{sentence(finding.title)}</h3>'
        f'<span class="price {severity}">{text(memory_text.price(finding))}</span></summary>'
    )
    rows = [
        ("Where", _where(finding, paths)),
        ("Evidence", _evidence(finding)),
        ("Fix", sentence(finding.advice.text)),
        ("Confidence", f"{finding.confidence.level.capitalize()}. {text(finding.confidence.why)}"),
        ("See", f"{code(f'perfkit rule {finding.rule}')} · {code(finding.key)}"),
    ]
    opened = " open" if position == 0 else ""
    return f'<article class="finding"><details{opened}>{summary}\n{definitions(rows)}\n</details></article>'


def _where(finding: MemoryFinding, paths: Paths) -> str:
    where = finding.where
    parts = [code(paths.at(where))] if where else []
    if where and where.function:
        parts[0] += f" in {code(phrases.call(where.function))}"
    return ", ".join([*parts, *([f"serving {code(finding.endpoint)}"] if finding.endpoint else [])])


def _evidence(finding: MemoryFinding) -> str:
    items = [sentence(phrases.evidence(item)) for item in finding.evidence]
    return "".join(items) if len(items) < 2 else f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _silenced(report: Report) -> str:
    items = [f"<li>{sentence(item.finding.title)}: {text(item.silence.reason)}</li>" for item in report.silenced_memory]
    return f"<h3>Silenced ({len(items)})</h3>\n<ul>{''.join(items)}</ul>" if items else ""


def _processes(memory: Memory) -> str:
    columns = [
        Column("Pid", number=True),
        Column("Command"),
        *(Column(title, number=True) for title in ("At first", "At the end", "Peak", "Peak PSS", "Growth")),
    ]
    rows = [[text(cell) for cell in row] for row in memory_text.rows(memory.processes)]
    return f"<h3>Processes</h3>\n{table('Memory of processes', columns, rows)}"


def _growing(memory: Memory, paths: Paths) -> str:
    """Also what has a limit or comes to an end: who looks for a leak wants to see what was looked at."""
    if not memory.growing:
        return ""
    columns = [
        Column("Container"),
        Column("Kind"),
        *(Column(title, number=True) for title in ("Entries", "More", "Bytes more")),
        Column("Limit", number=True),
        Column("Goes on"),
        Column("Made at"),
    ]
    rows = [_row(found, paths) for found in memory.growing[:_MOST]]
    more = len(memory.growing) - _MOST
    rest = f'<p class="quiet">and {more} more</p>' if more > 0 else ""
    return f"<h3>Containers that grew</h3>\n{table('Containers that grew', columns, rows)}{rest}"


def _row(found: Growing, paths: Paths) -> list[str]:
    return [
        code(found.name),
        text(found.kind),
        units.count(found.length),
        units.count(found.grown),
        units.size(found.grown_bytes),
        "" if found.bound is None else units.count(found.bound),
        "yes" if found.steady else "slows down",
        code(f"{paths.short(found.file)}:{found.line}") if found.line else "",
    ]


def _allocated(memory: Memory, paths: Paths) -> str:
    """Lines of the project by what was allocated at them and stays."""
    if not memory.allocated:
        return ""
    first = memory.allocated[0]
    each = first.per_request is not None
    heads = ("Bytes more", "Blocks more", *(("Bytes a request",) if each else ()))
    columns = [Column("Line"), Column("Function"), *(Column(title, number=True) for title in heads)]
    rows = [
        [
            code(f"{paths.short(one.file)}:{one.line}"),
            code(phrases.call(one.function)) if one.function else "",
            units.size(one.bytes),
            units.count(one.blocks),
            *([units.size(one.per_request or 0.0)] if each else []),
        ]
        for one in memory.allocated[:_MOST]
    ]
    more = len(memory.allocated) - _MOST
    rest = f'<p class="quiet">and {more} more</p>' if more > 0 else ""
    served = f" and {units.plural(first.requests, 'request')}" if each else ""
    note = (
        f'<p class="quiet">Of what was allocated at a line, or by what it called as far as frames were kept, this stands after {first.seconds:.0f} s{served} '
        "and did not before, as tracemalloc saw it. Who keeps it may be somebody else.</p>"
    )
    return f"<h3>Allocated, and stays</h3>\n{note}{table('Lines whose allocations stay', columns, rows)}{rest}"
