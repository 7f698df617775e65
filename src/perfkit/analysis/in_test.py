"""What happened in a test: a recording of it comes in, totals and statements by line go out."""

from __future__ import annotations

from collections import Counter

from perfkit.analysis.unit_counts import count, place
from perfkit.model.finding import Place
from perfkit.model.gate import WHOLE, CountKey
from perfkit.model.in_test import METRICS, Happened, StatementRuns
from perfkit.model.recording import Recording


def happened(recording: Recording) -> Happened:
    totals = count(recording).totals
    ran: Counter[tuple[str, Place | None]] = Counter()
    rows: Counter[tuple[str, Place | None]] = Counter()
    for span in recording.spans:
        if span.kind in ("sql", "fetch"):
            key = (recording.names[span.name].text, place(recording, span.stack))
            if span.kind == "sql":
                ran[key] += 1
            else:
                rows[key] += span.count or 0
    statements = (StatementRuns(text, ran[text, where], rows[text, where], where) for text, where in {**ran, **rows})
    return Happened(
        {metric: totals.get(CountKey(WHOLE, metric), 0) for metric in METRICS},
        tuple(sorted(statements, key=lambda one: (-one.times, -one.rows, one.text))),
    )
