"""Bytes of single lines: what each process, and each way to a line, took comes in, one row a line goes out, the most first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from perfkit.model.memory import LineBytes


def read(rows: Sequence[LineBytes]) -> tuple[LineBytes, ...]:
    """With the stack on which most of it was taken. Of one process, and what stood at one moment, bytes add up."""
    by_line: defaultdict[tuple[str, str, int], list[LineBytes]] = defaultdict(list)
    for row in rows:
        by_line[row.file, row.function, row.line].append(row)
    found = []
    for same in by_line.values():
        most = max(same, key=lambda row: row.peak)
        logged = bool(most.stack)
        peak = sum(row.peak for row in same) if logged else most.peak
        found.append(replace(most, hits=sum(row.hits for row in same), bytes=sum(row.bytes for row in same), peak=peak))
    return tuple(sorted(found, key=lambda row: (-row.peak, -row.bytes, row.file, row.line)))
