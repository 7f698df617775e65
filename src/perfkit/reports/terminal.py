"""Reports room: the ranked list for a terminal, at most 90 columns.

A report comes in; text goes out, with ANSI colour on the severity marks alone, and only where the options ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import StringIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from perfkit.model.counted import Counted
from perfkit.model.finding import Finding, MemoryFinding, Severity, Silenced, SilencedMemory
from perfkit.model.report import Report
from perfkit.reports import brief, call_text, line_text, log_text, memory_text, phrases
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.reports.wrapping import flow, pad, wrap
from perfkit.shared import units

WIDEST, NARROWEST = 90, 40
NAMES = 34  # columns that a table's names need at least
SIDE_BY_SIDE = 80  # below this many columns the cost stands under the title
INDENT = 6
LABEL = 9
ZOOMED, LINES = 3, 8  # functions that were followed, and lines of each
CALLS = 5  # callers, and callees, of each of them
LOGGED = 10  # statements of a log
REASONS = 10  # of what was not checked; the HTML report has all
MARKS: dict[Severity, tuple[str, str, str]] = {
    "high": ("▲", "!", "red"),
    "medium": ("■", "*", "yellow"),
    "low": ("●", "o", "cyan"),
    "info": ("·", ".", ""),
}


# Its head, its width, and what it says of a line.
LineColumn = tuple[str, int, Callable[[line_text.SourceLine], str]]


@dataclass(frozen=True, slots=True)
class Screen:
    """What every section needs: the width, the escape for untrusted text, and shortened paths."""

    width: int
    unicode: bool
    clean: Callable[[str], str]
    paths: Paths

    def paragraph(self, text: str, indent: int = 0) -> list[Text]:
        """The text wrapped, every line indented."""
        return [Text(" " * indent + line) for line in wrap(self.clean(text), self.width - indent)]

    def hanging(self, label: str, items: Iterable[str], separator: str, indent: int = 0) -> list[Text]:
        """`label` once, then items that wrap in a column of their own."""
        left = indent + len(label)
        lines = flow(map(self.clean, items), self.width - left, separator)
        return [Text(" " * indent + (label if i == 0 else " " * len(label)) + line) for i, line in enumerate(lines)]


def render(report: Report, options: RenderOptions) -> str:
    """Lines never pass min(options.width, 90), nor fall below 40; words that do not fit are folded, not cut."""
    width = max(NARROWEST, min(WIDEST, options.width))
    clean = visible if options.unicode else ascii_only
    screen = Screen(width, options.unicode, clean, Paths(report.analysis.run.project))
    blocks = [_opening(report, screen), *_findings(report.findings, screen)]
    blocks += _memory(report, screen)
    blocks += [_table(brief.allocations(report, screen.paths), screen)]
    blocks += [_lines(function, screen) for function in line_text.functions(report.analysis)[:ZOOMED]]
    blocks += [_calls(counted, screen) for counted in report.analysis.counted[:ZOOMED]]
    blocks += [_table(brief.routes(report), screen), _table(brief.tests(report), screen)]
    blocks += [_table(brief.statements(report, screen.paths, width), screen)]
    blocks += [_table(brief.digest(report, 2 * width, options.top or LOGGED, options.sort), screen)]
    blocks += [_log(report, screen), _summary(report, screen), _pointers(report, screen)]
    console = Console(
        file=StringIO(),
        width=width,
        color_system="standard" if options.color else None,
        force_terminal=options.color,
        no_color=not options.color,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        for i, block in enumerate(filter(None, blocks)):
            for line in [Text(), *block] if i else block:
                line.rstrip()
                console.print(line, soft_wrap=True)
    return captured.get()


def _opening(report: Report, screen: Screen) -> list[Text]:
    if report.findings or report.analysis.measured <= 0:
        return screen.paragraph(report.headline)
    return [line for sentence in phrases.nothing_found(report, screen.paths) for line in screen.paragraph(sentence)]


def _findings(findings: Iterable[Finding], screen: Screen) -> list[list[Text]]:
    findings = list(findings)
    prices = [[phrases.cost(f), units.share(f.cost.share), phrases.confidence(f)] for f in findings]
    costs, shares, levels = (max((len(p[i]) for p in prices), default=0) for i in range(3))
    columns = [f"{cost:>{costs}}  {share:>{shares}}  {level:<{levels}}" for cost, share, level in prices]
    return [
        [*_title(finding, price, screen), *_details(finding, screen)]
        for finding, price in zip(findings, columns, strict=True)
    ]


def _memory(report: Report, screen: Screen) -> list[list[Text]]:
    """The list of its own: what was followed, then the findings, in bytes."""
    facts = memory_text.facts(report.analysis)
    if not facts:
        return []
    prices = [f"{memory_text.size(finding)}  {phrases.confidence(finding)}" for finding in report.memory]
    width = max(map(len, prices), default=0)
    listed = [
        [*_title(finding, f"{price:>{width}}", screen), *_details(finding, screen)]
        for finding, price in zip(report.memory, prices, strict=True)
    ]
    return [screen.hanging("Memory".ljust(LABEL), facts, screen.clean(" · ")), *listed]


def _lines(function: line_text.Annotated, screen: Screen) -> list[Text]:
    """The lines of one function that take most, with their source."""
    place = f"{screen.paths.short(function.file)}:{function.first_line}"
    name = f"{phrases.call(function.function)} {place}" if function.function else place
    lines = screen.hanging("Lines".ljust(LABEL), [name, *function.facts()], screen.clean(" · "))
    shown = function.foremost(LINES)
    columns = _line_columns(function, screen)
    indent = line_text.indentation(shown)
    lines.append(Text(" ".join([f"{head:>{width}}" for head, width, _ in columns]) + "  source"))
    for line in shown:
        start = " ".join([f"{cell(line):>{width}}" for _, width, cell in columns]) + "  "
        source = screen.clean(line.text[indent:]) or screen.clean("(its source was not kept)")
        lines.append(Text(start + _cut(source, screen.width - len(start), screen.clean("…"))))
    return lines


def _line_columns(function: line_text.Annotated, screen: Screen) -> list[LineColumn]:
    """What is known of the lines; on a narrow screen what tells most of it."""
    wide = screen.width >= SIDE_BY_SIDE
    columns: list[LineColumn] = [("line", 8, lambda line: str(line.number))]
    if wide and function.has_samples:
        columns.append(("samples", 7, lambda line: units.count(line.samples) if line.samples else ""))
    if function.counted is not None:
        if wide or not function.has_bytes:
            columns.append(("hits", 11, lambda line: units.count(line.total.hits) if line.total else ""))
        if wide:
            columns.append(("seconds", 8, lambda line: units.seconds(line.total.seconds) if line.total else ""))
        columns.append(("share", 6, lambda line: units.share(line.share) if line.total else ""))
    if function.has_bytes:
        columns.append(("bytes", 7, lambda line: "" if line.bytes is None else units.size(line.bytes)))
    return columns


def _calls(counted: Counted, screen: Screen) -> list[Text]:
    """One function: who calls it, and what it calls."""
    name = (
        f"{phrases.call(counted.function.function)} {screen.paths.short(counted.function.file)}:{counted.function.line}"
    )
    lines = screen.hanging("Calls".ljust(LABEL), [name, *call_text.facts(counted)], screen.clean(" · "))
    parts = (("from", call_text.callers, counted.callers), ("to", call_text.callees, counted.callees))
    lines.append(Text(f"{'':>{LABEL}}{'times':>11} {'/req' if counted.requests else '':>7}"))
    for word, rows, all_of_them in parts:
        for row in rows(counted, screen.paths, CALLS):
            each = "" if row.per_request is None else call_text.per_request(row.per_request)
            start = f"{word:>{LABEL - 1}} {units.count(row.calls):>11} {each:>7}  "
            where = f"  {row.place}" if row.place else ""
            lines.append(
                Text(start + _cut(screen.clean(row.name + where), screen.width - len(start), screen.clean("…")))
            )
        if len(all_of_them) > CALLS:
            lines.append(Text(f"{'':>{LABEL}}{len(all_of_them) - CALLS} more in the report"))
    return lines


def _cut(text: str, room: int, mark: str) -> str:
    """What is too wide ends in `mark`: a line of source that is wrapped would look like two."""
    return text if cell_len(text) <= room else set_cell_size(text, room - cell_len(mark)) + mark


def _title(finding: Finding | MemoryFinding, price: str, screen: Screen) -> list[Text]:
    fancy, plain, color = MARKS[finding.severity]
    rank = f"{finding.rank:>3} "
    start = Text(rank).append(fancy if screen.unicode else plain, style=color).append(" ")
    beside = screen.width >= SIDE_BY_SIDE
    room = screen.width - start.cell_len - (cell_len(price) + 2 if beside else 0)
    first, *rest = wrap(screen.clean(finding.title), room) or [""]
    lines = [start.append(f"{pad(first, room)}  {price}" if beside else first)]
    lines += [Text(" " * INDENT + line) for line in rest]
    return lines if beside else [*lines, *screen.paragraph(price, INDENT)]


def _details(finding: Finding | MemoryFinding, screen: Screen) -> list[Text]:
    lines: list[Text] = []
    spot = finding.where or (finding.inside if isinstance(finding, Finding) else None)
    where = [f"{screen.paths.short(spot.file)}:{spot.line}", phrases.call(spot.function)] if spot else []
    where += [memory_text.until(finding)] if isinstance(finding, MemoryFinding) else []
    if finding.endpoint and finding.endpoint not in finding.title:
        where.append(finding.endpoint)
    lines += screen.hanging("", filter(None, where), "  ", INDENT)
    for item in finding.evidence[:2]:
        lines += screen.paragraph(phrases.evidence(item), INDENT)
    return lines + _fix(finding, screen)


def _fix(finding: Finding | MemoryFinding, screen: Screen) -> list[Text]:
    lines = screen.hanging("Fix  ", finding.advice.text.split(), " ", INDENT)
    saving = phrases.saving(finding) if isinstance(finding, Finding) else None
    if saving:
        expect = screen.clean(f"expect {saving}")
        room = screen.width - (lines[-1].cell_len if len(lines) == 1 else screen.width) - 2
        if cell_len(expect) <= room:
            lines[-1].append(" " * (room + 2 - cell_len(expect)) + expect)
        else:
            lines += screen.hanging("     ", [expect], " ", INDENT)
    for line in (finding.advice.diff or "").splitlines():
        indent = INDENT + 5
        lines += [Text(" " * indent + part) for part in _code(screen.clean(line), screen.width - indent)]
    return lines


def _code(line: str, width: int) -> list[str]:
    """A line of source as it is, its spaces kept; only one that is too wide is wrapped."""
    return [line] if cell_len(line) <= width else wrap(line, width)


def _table(table: brief.Brief | None, screen: Screen) -> list[Text]:
    """Names on the left, numbers in columns on the right; on a narrow screen the numbers stand under the names."""
    if table is None:
        return []
    cells_of = [table.heads, *(tuple(map(screen.clean, row.cells)) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells_of, strict=True)]
    numbers = ["  ".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)) for cells in cells_of]
    beside = screen.width - len(numbers[0]) >= NAMES
    room = screen.width - (len(numbers[0]) + 2 if beside else 0)
    lines = [Text(f"{pad(table.title, room)}  {numbers[0]}")] if beside else [Text(table.title)]
    for row, known, cells in zip(table.rows, cells_of[1:], numbers[1:], strict=True):
        first, *rest = wrap(screen.clean(row.name), room - 2) or [""]
        lines.append(Text(f"  {pad(first, room - 2)}  {cells}" if beside else f"  {first}"))
        lines += [Text(f"  {line}") for line in rest]
        if not beside:
            said = (f"{head} {cell}" for head, cell in zip(table.heads, known, strict=True))
            lines += screen.hanging("", said, "  ", 4)
        if row.note:
            lines += screen.hanging("", [row.note], "  ", INDENT)
    return [*lines, Text(f"  {table.more} more in the report")] if table.more else lines


def _log(report: Report, screen: Screen) -> list[Text]:
    log = report.analysis.log
    if log is None:
        return []
    lines = screen.hanging("Log".ljust(LABEL), log_text.facts(log), screen.clean(" · "))
    when = log_text.over_time(log) if screen.unicode else ""
    if when:
        lines += screen.paragraph(when, LABEL)
    return lines + [line for item in log_text.who(log) for line in screen.hanging(" " * LABEL, item.split(), " ")]


def _summary(report: Report, screen: Screen) -> list[Text]:
    share = phrases.explained(report) if report.findings else None
    time = [f"{part.label} {units.share(part.share)}" for part in report.analysis.slices]
    items = ([f"Explained {units.share(share)} "] if share is not None else []) + (["Time", *time] if time else [])
    lines = screen.hanging("", items, "  ")
    if report.overhead is not None:
        lines += screen.hanging("Overhead ", [f"sampling used {units.share(report.overhead)} of one core"], " ")
    for note in report.analysis.notes:
        lines += screen.hanging("Care".ljust(LABEL), note.split(), " ")
    unchecked = phrases.unchecked(report)
    if unchecked:
        more = f", and {len(unchecked) - REASONS} more in the report" if len(unchecked) > REASONS else ""
        lines += screen.paragraph(f"Not checked: {', '.join(unchecked[:REASONS])}{more}.")
    silenced: tuple[Silenced | SilencedMemory, ...] = (*report.silenced, *report.silenced_memory)
    if silenced:
        items = [f"{s.finding.rule} at {_place(s.finding, screen)} ({s.silence.reason})" for s in silenced]
        lines += screen.paragraph(f"Silenced {len(items)}: {', '.join(items)}.")
    return lines


def _place(finding: Finding | MemoryFinding, screen: Screen) -> str:
    return screen.paths.at(finding.where) if finding.where else finding.endpoint or "no place"


def _pointers(report: Report, screen: Screen) -> list[Text]:
    lines = screen.hanging("Report".ljust(LABEL), [report.html], " ") if report.html else []
    rules = [finding.rule for finding in report.findings] + [finding.rule for finding in report.memory]
    if rules:
        lines += screen.hanging("Next".ljust(LABEL), [f"perfkit rule {rules[0]}"], " ")
    return lines
