"""HTML report: untrusted values come in, escaped HTML goes out. Every other module builds on these few functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from perfkit.reports.visible import visible


def text(value: object) -> str:
    """Safe as an element's text and as a quoted attribute's value; control characters are shown."""
    return escape(visible(str(value)), quote=True)


def code(value: object) -> str:
    return f"<code>{text(value)}</code>"


def sentence(value: str) -> str:
    """A sentence in which `code` stands between backticks; with an odd number of them they are ordinary characters."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return "".join(code(part) if index % 2 else text(part) for index, part in enumerate(parts))


def section(identity: str, title: str, *parts: str) -> str:
    """A landmark under a heading of the second level; empty where all parts are."""
    body = "\n".join(part for part in parts if part)
    if not body:
        return ""
    heading = f'<h2 id="{identity}-title">{text(title)}</h2>'
    return f'<section id="{identity}" aria-labelledby="{identity}-title">\n{heading}\n{body}\n</section>'


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    number: bool = False


def table(label: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """Rows of HTML cells, the first cell of each being its header. The table scrolls within itself when it is wide."""
    head = "".join(f'<th scope="col"{_numeric(column)}>{text(column.title)}</th>' for column in columns)
    body = "\n".join(f"<tr>{_cells(row, columns)}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{text(label)}"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _cells(row: Sequence[str], columns: Sequence[Column]) -> str:
    first, *rest = zip(row, columns, strict=True)
    cells = [f'<th scope="row"{_numeric(first[1])}>{first[0]}</th>']
    return "".join(cells + [f"<td{_numeric(column)}>{cell}</td>" for cell, column in rest])


def _numeric(column: Column) -> str:
    return ' class="number"' if column.number else ""


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Terms as text, their descriptions as HTML; a pair without a description is left out."""
    rows = "\n".join(f"<div><dt>{text(term)}</dt><dd>{html}</dd></div>" for term, html in pairs if html)
    return f"<dl>\n{rows}\n</dl>"
