"""HTML report: functions whose calls were counted come in, tables of their callers and callees go out."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.counted import Counted
from perfkit.reports import call_text, phrases
from perfkit.reports.call_text import CallRow
from perfkit.reports.html.markup import Column, code, section, table, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

_MOST = 40


def calls(counted: Sequence[Counted], paths: Paths) -> str:
    """Empty where no call was counted."""
    if not counted:
        return ""
    note = (
        '<p class="quiet">Every call of these functions in that time, and every call that they made. What they cost in time '
        "is what the samples say: counting would not tell it truly.</p>"
    )
    return section("calls", "Calls", note, *(_function(one, paths) for one in counted))


def _function(counted: Counted, paths: Paths) -> str:
    frame = counted.function
    title = f"{code(phrases.call(frame.function))} at {code(f'{paths.short(frame.file)}:{frame.line}')}"
    facts = text(", ".join(call_text.facts(counted)))
    return "\n".join(
        [
            f'<h3>{title} <span class="quiet">{facts}</span></h3>',
            _table("Called by", frame.function, call_text.callers(counted, paths), counted),
            _table("Calls", frame.function, call_text.callees(counted, paths), counted),
        ]
    )


def _table(title: str, function: str, rows: Sequence[CallRow], counted: Counted) -> str:
    if not rows:
        return ""
    each = counted.requests is not None
    heads = ["Times", *(["A request"] if each else []), "Share"]
    columns = [Column(title), *(Column(head, number=True) for head in heads)]
    shown = table(f"{title}: {function}", columns, (_row(row, each) for row in rows[:_MOST]))
    more = f'<p class="quiet">{units.count(len(rows) - _MOST)} more</p>' if len(rows) > _MOST else ""
    return f"{shown}\n{more}" if more else shown


def _row(row: CallRow, each: bool) -> list[str]:
    place = f' <span class="quiet">{text(row.place)}</span>' if row.place else ""
    heat = f'<span class="heat" aria-hidden="true"><svg viewBox="0 0 100 4" preserveAspectRatio="none"><rect class="bar-of-time" width="{row.share * 100:.1f}" height="4"/></svg></span>'
    per_request = [call_text.per_request(row.per_request or 0.0)] if each else []
    return [f"{code(row.name)}{place}", units.count(row.calls), *per_request, f"{units.share(row.share)}{heat}"]
